"""The rules for agreements, and for the plan that carries what they say (docs/SPEC-2.md, section 8).

Their order is that of :mod:`privxray.exchange.admission`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from privxray.errors import IdentityError, MalformedError, RefusedError
from privxray.exchange.admission.admit import belongs
from privxray.exchange.messages.agreement import AgreementHeader, recipients_of
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.plan_hybrid import StatedCiphertexts
from privxray.formats.container import Envelope
from privxray.formats.features import HYBRID_MASKS
from privxray.formats.header import Digest, Fingerprint
from privxray.keys.roster import Member

_ASK_WHO = "Ask who sent it; leave it out"
_ASK_HOSPITAL = "Ask the hospital for its agreement again: it types privxray join with the same plan"
_CALL = "Don't follow it; call the coordinator"


def read_agreement(envelope: Envelope, members: Iterable[Member]) -> tuple[AgreementHeader, Member]:
    """Rules 1 to 3 for an agreement: its kind, its signer among these members, its signature.

    :raises IdentityError: signed by none of them, or altered.
    """
    envelope.expect("agreement")
    member = next((member for member in members if member.keys.fingerprint == envelope.key_id), None)
    if member is None:
        raise IdentityError(
            "signed by no hospital of this study", reason="agreement.unknown-signer", advice=_ASK_WHO
        )
    header = envelope.verify(member.keys.verifier(), AgreementHeader)
    if header.sender != member.keys.fingerprint:
        raise IdentityError(
            "the agreement names a different sender from its signer",
            reason="agreement.other-sender",
            advice=_ASK_WHO,
        )
    return header, member


def admit_agreement(header: AgreementHeader, member: Member, signed: SignedPlan) -> None:
    """Rules 4 to 6 for an agreement whose signature is good.

    :param member: who signed it.
    :raises RefusedError: of another study, plan or round, not for this coordinator, or its ciphertexts are
        not for exactly those to whom its sender encapsulates.
    :raises IdentityError: its ciphertexts are not signed by its sender.
    :raises MalformedError: a ciphertext is none, or it has a body.
    """
    belongs(header, signed)
    if signed.plan.its_task != "agree":
        raise RefusedError(
            "the plan of this round asks for no agreement", reason="agreement.not-asked", advice=_ASK_WHO
        )
    if signed.plan.roster.hospital(header.sender) != member:
        raise RefusedError(
            "its sender is not in the roster of this round", reason="agreement.sender-left", advice=_ASK_WHO
        )
    if header.recipients != (signed.plan.sender,):
        raise RefusedError(
            "it is not addressed to this coordinator",
            reason="agreement.other-recipient",
            advice=_ASK_HOSPITAL,
        )
    if header.body.length:
        raise MalformedError(
            "it has a body, and an agreement has none", reason="agreement.body", advice=_ASK_HOSPITAL
        )
    stated = header.encapsulated
    stated.verify(member.keys)
    to = tuple(one.to for one in stated.ciphertexts)
    if (stated.party, stated.plan) != (header.sender, header.plan) or to != recipients_of(
        signed.plan, header.sender
    ):
        raise RefusedError(
            "its ciphertexts are not for exactly the hospitals to which its sender encapsulates",
            reason="agreement.other-recipients",
            advice=_ASK_HOSPITAL,
        )


@dataclass
class Agreements:
    """The agreements that a coordinator has taken in under a plan of the task ``agree``, by sender."""

    signed: SignedPlan
    taken: dict[Fingerprint, AgreementHeader] = field(default_factory=dict)
    _digests: dict[Fingerprint, Digest] = field(default_factory=dict)

    def take(self, envelope: Envelope) -> None:
        """Offer an agreement whose signature was not checked yet.

        :raises IdentityError: signed by no hospital of the plan, or altered.
        :raises RefusedError: see :func:`admit_agreement`; or another one of the same hospital was taken.
        :raises MalformedError: damaged.
        """
        header, member = read_agreement(envelope, self.signed.plan.roster.members)
        admit_agreement(header, member, self.signed)
        if self._digests.setdefault(header.sender, envelope.digest) != envelope.digest:
            raise RefusedError(
                "another agreement of the same sender was taken in before",
                reason="agreement.second",
                advice="Ask the hospital which of the two is its own, and whether it restored a backup",
            )
        self.taken[header.sender] = header

    @property
    def missing(self) -> list[Member]:
        """The hospitals of the plan whose agreement has not come."""
        return [m for m in self.signed.plan.roster.members if m.keys.fingerprint not in self.taken]

    def encapsulated(self, hospitals: Iterable[Fingerprint]) -> tuple[StatedCiphertexts, ...]:
        """What these hospitals stated, as the next plan has it; all of them have delivered."""
        return tuple(self.taken[one].encapsulated for one in sorted(hospitals))


def admit_agreed(plan: PlanHeader, followed: SignedPlan | None, own: StatedCiphertexts | None) -> None:
    """Whether a plan with hybrid masks goes on from what was agreed here.

    :param followed: the plan that this party followed last.
    :param own: what this hospital stated under it, if that asked for an agreement; None for a trustee too.
    :raises RefusedError: ciphertexts of another plan, other ones than this hospital made, or none where the
        plan before asked for them; or a hospital that was not in that plan.
    """
    if HYBRID_MASKS not in plan.features or plan.its_task == "agree":
        return
    asked = followed is not None and followed.plan.its_task == "agree"
    if (plan.encapsulated is not None) is not asked:
        raise RefusedError(
            "the plan does not go on from the agreement of its hospitals",
            reason="plan.without-agreement",
            advice="Ask the coordinator for the plan in between, and follow that first; if it can't be "
            "followed any more, the study has to begin anew, or to go on without this hospital",
        )
    if plan.encapsulated is None or followed is None:
        return
    if plan.encapsulated[0].plan != followed.digest:
        raise RefusedError(
            "the plan's ciphertexts were made under another plan than the one that was followed here",
            reason="plan.ciphertexts-of-other-plan",
            advice=_CALL,
        )
    if not set(plan.hospitals) <= set(followed.plan.hospitals):
        raise RefusedError(
            "the plan has a hospital that was not in the plan that agreed on secrets",
            reason="plan.hospital-not-asked-to-agree",
            advice=_CALL,
        )
    if own is not None and own not in plan.encapsulated:
        raise RefusedError(
            "the plan has other ciphertexts of this hospital than it made",
            reason="plan.other-own-ciphertexts",
            advice=_CALL,
        )
