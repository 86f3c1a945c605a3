"""The rules for plans, updates and global models; their order is that of :mod:`privxray.exchange.admission`.

Between a plan and the one before it, :mod:`.admit_successor` decides.
"""

from __future__ import annotations

from collections.abc import Iterable

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit_heads import check_heads
from privxray.exchange.admission.admit_hybrid import check_hybrid
from privxray.exchange.admission.admit_tasks import check_tasks
from privxray.exchange.admission.repeat_form import check_repeats
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.update import UpdateHeader, body_length, bounds_claim, committed_of
from privxray.exchange.sharing.dealing import check_form
from privxray.formats.container import Envelope
from privxray.formats.header import Header, PlanHash
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Trustee

_ASK_WHO = "Ask who sent it; leave it out"
_ASK_SENDER = "Ask its sender for the file of this round"
_ASK_HOSPITAL = "Ask the hospital to export its update again, or leave it out"
_CALL = "Call the coordinator"


def admit_plan(envelope: Envelope, trusted: PublicKeys | None) -> SignedPlan:
    """A plan by the coordinator that is trusted already or, if none is yet, by the one that it names.

    :param trusted: the study's coordinator as key words confirmed it; None for a study that is new here.
    :raises IdentityError: signed by somebody else.
    :raises RefusedError: a plan that no recipient should follow; see :meth:`PlanHeader.verify`.
    """
    envelope.expect("plan")
    signer = trusted or envelope.claim(PlanHeader).coordinator
    if envelope.key_id != signer.fingerprint:
        raise IdentityError(
            "this plan is signed by someone other than the study's coordinator",
            reason="plan.other-coordinator",
            advice="Call the coordinator. If hospitals have named another one, first: privxray join "
            "FILE.succession",
        )
    plan = envelope.verify(signer.verifier(), PlanHeader)
    if plan.coordinator != signer:
        raise IdentityError(
            "the plan names different keys for the coordinator from those of the study",
            reason="plan.coordinators-keys",
            advice=_CALL,
        )
    plan.coordinator.check()
    plan.verify()
    check_tasks(plan)
    check_hybrid(plan)
    check_repeats(plan)
    check_heads(plan)
    return SignedPlan(plan, PlanHash(envelope.digest))


def admit_party(plan: PlanHeader, own: PublicKeys, name: str, role: str) -> Member | Trustee:
    """The entry of this hospital or trustee in a plan.

    :raises RefusedError: it has none.
    :raises IdentityError: it is listed with another role, sealing key or name.
    """
    party = plan.roster.party(own.fingerprint)
    if party is None:
        raise RefusedError(
            f"this {role} is not in the plan's roster",
            reason="plan.party-missing",
            advice="Send the coordinator your card first",
        )
    if (party.keys, party.name, party.role) != (own, name, role):
        raise IdentityError(
            f"the plan lists this {role} with a role, key or name that is not its own",
            reason="plan.party-listed-otherwise",
            advice="Don't follow it; send the coordinator your card again: privxray card",
        )
    return party


def read_update(envelope: Envelope, members: Iterable[Member]) -> tuple[UpdateHeader, Member]:
    """Rules 1 to 3 for an update: its kind, its signer among the study's members, its signature.

    :raises IdentityError: signed by nobody of the study, or altered.
    """
    envelope.expect("update")
    member = next((member for member in members if member.keys.fingerprint == envelope.key_id), None)
    if member is None:
        raise IdentityError("signed by nobody of this study", reason="update.unknown-signer", advice=_ASK_WHO)
    header = envelope.verify(member.keys.verifier(), UpdateHeader)
    if header.sender != member.keys.fingerprint:
        raise IdentityError(
            "the update names a different sender from its signer",
            reason="update.other-sender",
            advice=_ASK_WHO,
        )
    return header, member


def admit_update(header: UpdateHeader, member: Member, signed: SignedPlan) -> None:
    """Rules 4 to 6 for an update whose signature is good.

    :param member: the study's member who signed it.
    :raises RefusedError: of another study, plan or round, or its parts don't fit the plan.
    :raises IdentityError: its next mask key is not the sender's.
    :raises MalformedError: its next mask key is none, or its shares, commitments or proof of bounds are not
        as many and as long as they must be.
    """
    belongs(header, signed)
    plan = signed.plan
    if header.delta != plan.delta:
        raise RefusedError(
            "it counts its privacy at a different delta from the plan's",
            reason="update.other-delta",
            advice=_ASK_HOSPITAL,
        )
    if header.task != plan.task:
        raise RefusedError(
            "it is of another task of the study than its plan",
            reason="update.other-task",
            advice=_ASK_HOSPITAL,
        )
    if plan.roster.hospital(header.sender) != member:
        raise RefusedError(
            "its sender is not in the roster of this round", reason="update.sender-left", advice=_ASK_WHO
        )
    _check_sealed(header, plan)
    header.next_mask.verify(member.keys)
    if not header.next_mask.succeeds(member.mask, plan.study):
        raise RefusedError(
            "its next mask key is not a fresh one for this study",
            reason="update.next-key-not-fresh",
            advice=_ASK_HOSPITAL,
        )
    if header.head != signed.stated_head:
        raise RefusedError(
            f"{member.name} has seen other files of the coordinator than those that this plan goes on from",
            reason="update.other-head",
            advice=f"Phone {member.name}, and compare the words of the plans and models that each has: "
            "privxray verify FILE",
        )
    _check_dealt(header, signed)
    if plan.commitments is not None:
        committed_of(header, plan)
        bounds_claim(header, plan)
    repeated = plan.repeats.commitment_of(header.sender) if plan.repeats else None
    if repeated is not None and header.commitment != repeated:
        raise RefusedError(
            "it does not repeat the vector that the plan says it repeats",
            reason="update.other-vector",
            advice=_ASK_HOSPITAL,
        )


def _check_sealed(header: UpdateHeader, plan: PlanHeader) -> None:
    """Whether an update's body can be the plan's vector, sealed to the coordinator.

    :raises RefusedError: it can't.
    """
    key = header.body.key
    if header.recipients != (plan.sender,) or key is None or key.recipient != plan.sender:
        raise RefusedError(
            "it is not addressed to this coordinator", reason="update.other-recipient", advice=_ASK_HOSPITAL
        )
    if header.body.cipher == "none":
        raise RefusedError("it is not encrypted", reason="update.not-encrypted", advice=_ASK_HOSPITAL)
    if header.body.length != body_length(plan):
        raise RefusedError(
            "its size is not that of the plan's vector", reason="update.other-size", advice=_ASK_HOSPITAL
        )


def _check_dealt(header: UpdateHeader, signed: SignedPlan) -> None:
    """Whether an update has shares if, and only if, its plan has keyholders.

    :raises RefusedError: it hasn't, or has them under a plan without keyholders.
    :raises MalformedError: they are not as many and as long as the plan demands.
    """
    if signed.plan.committee is None:
        if header.dealt is not None:
            raise RefusedError(
                "it has shares, and the plan has no keyholders",
                reason="update.needless-shares",
                advice=_ASK_HOSPITAL,
            )
        return
    if header.dealt is None:
        raise RefusedError(
            "it has no shares for the plan's keyholders",
            reason="update.shares-missing",
            advice=_ASK_HOSPITAL,
        )
    check_form(header.dealt, signed.dealing(header.sender))


def admit_model(envelope: Envelope, signed: SignedPlan) -> ModelHeader:
    """A global model of a plan that was joined here.

    :raises IdentityError: not signed by the plan's coordinator.
    :raises RefusedError: of another study, plan or round, or not what the plan describes.
    """
    plan = signed.plan
    envelope.expect("model")
    if envelope.key_id != plan.sender:
        raise IdentityError(
            "this model is signed by someone other than the study's coordinator",
            reason="model.other-coordinator",
            advice=_CALL,
        )
    model = envelope.verify(plan.coordinator.verifier(), ModelHeader)
    belongs(model, signed)
    said = (model.sender, model.method, model.constants, model.classes, model.features_by, model.stage,
            model.stages, model.epsilon, model.delta)  # fmt: skip
    planned = (plan.sender, plan.method, plan.constants, plan.classes, plan.features_by, plan.stage,
               plan.stages, plan.epsilon, plan.delta)  # fmt: skip
    if said != planned or plan.its_task != "train":
        raise RefusedError(
            "this model is not what its plan describes", reason="model.not-as-planned", advice=_CALL
        )
    return model


def belongs(header: Header, signed: SignedPlan) -> None:
    """Rule 4: the file obeys this plan, and is of its format and features.

    :raises RefusedError: it is of another study, plan, round or form.
    """
    plan = signed.plan
    if header.study != plan.study:
        raise RefusedError("it belongs to another study", reason="file.other-study", advice=_ASK_SENDER)
    if header.plan != signed.digest and header.round != plan.round:
        raise RefusedError("it belongs to another round", reason="file.other-round", advice=_ASK_SENDER)
    if header.plan != signed.digest:
        raise RefusedError(
            "it follows another plan of this round",
            reason="file.other-plan",
            advice="Compare the plan's hash with its sender by phone: everybody must have the same plan",
        )
    if header.round != plan.round:
        raise RefusedError(
            "it names this round's plan and another round",
            reason="file.round-contradicts",
            advice=_ASK_SENDER,
        )
    if header.form != plan.form.of_kind(header.kind):
        raise RefusedError(
            "it is of another format than its plan, or has other features",
            reason="file.other-form",
            advice="Ask its sender to make it again with the version that the plan was joined with",
        )
