"""The rules by which a travelling file is accepted: no file, no clock, no state of its own.

Each function is handed what the workspace knows and either returns a header that may be relied on or raises
the first rule that fails. The order of the rules is part of them:

1. **kind**: a file is only ever read as what its signature says it is;
2. **signer**: the key id picks a key that is trusted already; an unknown signer ends it here;
3. **signature**: only now is the header parsed;
4. **study**, then **plan**, then **round**: the file belongs here and now;
5. **replay**: nothing that was answered, summed or superseded before is taken in again;
6. **parts**: recipients, keys, shares and sizes agree with the plan;
7. **body**: length and SHA-256; decryption and parsing come after all of this, in the caller.

A first plan and a card are the exceptions of rule 2: they carry their own key, and key words compared by
phone take the place of trust in it.

What a round has taken in so far decides on the next file too; :mod:`.cohort` is that state for a coordinator.
"""

from __future__ import annotations

from collections.abc import Iterable

from privxray.errors import IdentityError, MalformedError, RefusedError
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.update import UpdateHeader
from privxray.exchange.sharing.dealing import check_form
from privxray.formats.container import Envelope
from privxray.formats.header import Header, PlanHash
from privxray.formats.stream import sealed_length
from privxray.formats.tensors import masked_prefix, total_size
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Trustee


def expect(envelope: Envelope, kind: str) -> None:
    """:raises MalformedError: the file is of another kind."""
    if envelope.kind != kind:
        article = "an" if kind[0] in "aou" else "a"
        raise MalformedError(f"this is a file of kind {envelope.kind}, and {article} {kind} is needed here")


def admit_plan(envelope: Envelope, trusted: PublicKeys | None) -> SignedPlan:
    """A plan by the coordinator that is trusted already, or, where none is yet, by the one that it names.

    :param trusted: the study's coordinator as key words confirmed it; None for a study that is new here.
    :raises IdentityError: signed by somebody else.
    :raises RefusedError: a plan that no recipient should follow; see :meth:`PlanHeader.verify`.
    """
    expect(envelope, "plan")
    signer = trusted or envelope.claim(PlanHeader).coordinator
    if envelope.key_id != signer.fingerprint:
        raise IdentityError(
            "this plan is signed by another coordinator than the study's",
            advice="Call the coordinator; join a study of another coordinator under another name",
        )
    plan = envelope.verify(signer.verifier(), PlanHeader)
    if plan.coordinator != signer:
        raise IdentityError("the plan names other keys for the coordinator than those of the study")
    plan.coordinator.check()
    plan.verify()
    return SignedPlan(plan, PlanHash(envelope.digest))


def admit_party(plan: PlanHeader, own: PublicKeys, name: str, role: str) -> Member | Trustee:
    """The entry of this hospital or trustee in a plan.

    :raises RefusedError: it has none.
    :raises IdentityError: it is listed with another role, sealing key or name.
    """
    party = plan.roster.party(own.fingerprint)
    if party is None:
        raise RefusedError(
            f"this {role} is not in the plan's roster", advice="Send the coordinator your card first"
        )
    if (party.keys, party.name, party.role) != (own, name, role):
        raise IdentityError(f"the plan lists this {role} with a role, key or name that is not its own")
    return party


def admit_successor(plan: PlanHeader, followed: SignedPlan) -> None:
    """The rules between a plan and the one that this hospital followed before.

    A plan with a new roster version may leave out predecessors that this hospital was no member of. A stage
    may be planned again, under a higher round, where its sum could not be opened.

    :raises RefusedError: an older or equal round (a replay), another predecessor, another membership under an
        unchanged roster version, or another method, privacy target or committee in the middle of a study.
    """
    before, before_hash = followed.plan, followed.digest
    if plan.round <= before.round:
        raise RefusedError(f"this plan is of round {plan.round}, and round {before.round} is here already")
    rejoins = plan.roster.version > before.roster.version
    if plan.previous != before_hash and not rejoins:  # key words settle what a hospital that was away missed
        raise RefusedError(
            "this plan does not follow the one that was joined here",
            advice="Ask the coordinator for the plan in between, and the other hospitals for what they got",
        )
    if plan.roster.version < before.roster.version:
        raise RefusedError("this plan goes back to an older roster")
    if plan.roster.version == before.roster.version:
        same = plan.roster.digest(plan.study or "", plan.coordinator)
        if same != before.roster.digest(before.study or "", before.coordinator):
            raise RefusedError("this plan changes the members without a new roster version")
        if plan.stage != 1 and _rule_of(plan) != _rule_of(before):
            raise RefusedError(
                "this plan changes who opens the sum, or of how many, without a new roster version"
            )
    if plan.stage != 1 and (
        plan.stage < before.stage
        or (plan.stage > before.stage + 1 and plan.previous == before_hash)
        or terms_of(plan) != terms_of(before)
    ):
        raise RefusedError("this plan changes the terms of the study in the middle of it")


def _rule_of(plan: PlanHeader) -> object:
    """Whose help opens a sum and of how many hospitals: what may change with the parties and not without."""
    committee = plan.committee
    return committee and (committee.minimum_cohort, {seat.keyholder for seat in committee.seats})


def terms_of(plan: PlanHeader) -> tuple[object, ...]:
    """What a study keeps the same from its first stage to its last."""
    return (plan.method, plan.constants, plan.extractor, plan.classes, plan.epsilon, plan.delta, plan.stages,
            plan.modulus_bits, plan.manifest, plan.mode,
            plan.committee.numbers if plan.committee else None)  # fmt: skip


def read_update(envelope: Envelope, members: Iterable[Member]) -> tuple[UpdateHeader, Member]:
    """Rules 1 to 3 for an update: its kind, its signer among the study's members, its signature.

    :raises IdentityError: signed by nobody of the study, or altered.
    """
    expect(envelope, "update")
    member = next((member for member in members if member.keys.fingerprint == envelope.key_id), None)
    if member is None:
        raise IdentityError("signed by nobody of this study", advice="Ask who sent it; leave it out")
    header = envelope.verify(member.keys.verifier(), UpdateHeader)
    if header.sender != member.keys.fingerprint:
        raise IdentityError("the update names another sender than its signer")
    return header, member


def admit_update(header: UpdateHeader, member: Member, signed: SignedPlan) -> None:
    """Rules 4 and 5 for an update whose signature is good.

    :raises RefusedError: of another study, plan or round, or its parts don't fit the plan.
    :raises IdentityError: its next mask key is not the sender's.
    """
    belongs(header, signed)
    plan = signed.plan
    if header.delta != plan.delta:
        raise RefusedError("it counts its privacy at another delta than the plan's")
    if plan.roster.named(header.sender) != member:
        raise RefusedError("its sender is not in the roster of this round")
    key = header.body.key
    if header.recipients != (plan.sender,) or key is None or key.recipient != plan.sender:
        raise RefusedError("it is not addressed to this coordinator")
    length = len(masked_prefix(total_size(plan.manifest), plan.modulus_bits))
    length += total_size(plan.manifest) * plan.modulus_bits // 8
    if header.body.cipher == "none" or header.body.length != sealed_length(length):
        raise RefusedError("its size is not that of the plan's vector")
    header.next_mask.verify(member.keys)
    if not header.next_mask.succeeds(member.mask, plan.study):
        raise RefusedError("its next mask key is not a fresh one for this study")
    if (header.dealt is None) != (plan.committee is None):
        raise RefusedError("it has shares and the plan no keyholders, or the other way round")
    if header.dealt is not None:
        check_form(header.dealt, signed.dealing(header.sender))


def admit_model(envelope: Envelope, signed: SignedPlan) -> ModelHeader:
    """A global model of a plan that was joined here.

    :raises IdentityError: not signed by the plan's coordinator.
    :raises RefusedError: of another study, plan or round.
    """
    plan = signed.plan
    expect(envelope, "model")
    if envelope.key_id != plan.sender:
        raise IdentityError("this model is signed by another coordinator than the study's")
    model = envelope.verify(plan.coordinator.verifier(), ModelHeader)
    belongs(model, signed)
    said = (model.sender, model.method, model.constants, model.classes, model.extractor, model.stage,
            model.stages, model.epsilon, model.delta)  # fmt: skip
    planned = (plan.sender, plan.method, plan.constants, plan.classes, plan.extractor, plan.stage,
               plan.stages, plan.epsilon, plan.delta)  # fmt: skip
    if said != planned:
        raise RefusedError("this model is not what its plan describes")
    return model


def belongs(header: Header, signed: SignedPlan) -> None:
    """Rule 4: the file obeys this plan.

    :raises RefusedError: it is of another study, plan or round.
    """
    plan = signed.plan
    if header.study != plan.study:
        raise RefusedError("it belongs to another study")
    if header.plan != signed.digest:
        same_round = header.round == plan.round
        raise RefusedError(
            "it follows another plan of this round" if same_round else "it belongs to another round"
        )
    if header.round != plan.round:
        raise RefusedError("it contradicts itself (round)")
