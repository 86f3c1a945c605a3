"""The rules for a proof: whether a sum is what the hospitals committed to (docs/SPEC-2.md, section 5).

Everything is checked offline, from the plan that this hospital follows and from the proof alone. Nothing that
the coordinator says is believed, apart from the sum itself, which must open the commitments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit import admit_update, belongs, read_update
from privxray.exchange.bounds.checking import ReadOneByOne, out_of_bounds
from privxray.exchange.commitments.checking import contradictions, opens
from privxray.exchange.commitments.scalars import OpenedSum, as_scalars
from privxray.exchange.masking.summing import check_range
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.proof import Proof, ProofHeader
from privxray.exchange.messages.update import UpdateHeader, bounds_claim, committed_of
from privxray.formats.container import Envelope
from privxray.formats.header import Digest, Fingerprint

_CALL = "Do not use the model; call the coordinator and the other hospitals"


@dataclass(frozen=True)
class ProvenSum:
    """A sum that opens the commitments of the hospitals whose updates are in it.

    :param hospitals: their fingerprints, ascending, each once.
    :param own: whether the update of this hospital is among them.
    """

    opened: OpenedSum
    hospitals: tuple[Fingerprint, ...]
    own: bool


def admit_proof(envelope: Envelope, signed: SignedPlan) -> ProofHeader:
    """A proof of a plan that was joined here.

    :raises IdentityError: not signed by the plan's coordinator.
    :raises RefusedError: of another study, plan or round, of a plan without commitments, or not encrypted to
        exactly the plan's hospitals.
    """
    plan = signed.plan
    envelope.expect("proof")
    if envelope.key_id != plan.sender:
        raise IdentityError(
            "this proof is signed by someone other than the study's coordinator",
            reason="proof.other-coordinator",
            advice="Call the coordinator",
        )
    header = envelope.verify(plan.coordinator.verifier(), ProofHeader)
    belongs(header, signed)
    if plan.commitments is None:
        raise RefusedError(
            "the plan of this round has no commitments, so nothing can be proven",
            reason="proof.plan-without-commitments",
            advice=_CALL,
        )
    hospitals = tuple(sorted(plan.hospitals))
    keys = tuple(key.recipient for key in header.keys)
    if (header.sender, header.recipients, keys) != (plan.sender, hospitals, hospitals):
        raise RefusedError(
            "the proof is not for all hospitals of its plan", reason="proof.other-recipients", advice=_CALL
        )
    return header


def prove(header: ProofHeader, proof: Proof, signed: SignedPlan, own: Digest | None) -> ProvenSum:
    """Check the content of a proof that was admitted.

    :param own: the digest of the update that this hospital exported in the round; None if it did not.
    :raises IdentityError: an update is not by a hospital of the plan.
    :raises RefusedError: an update is of another plan, is there twice or is lacking, or does not show that it
        keeps to the plan's bounds; or the sum does not open the commitments.
    :raises MalformedError: the sum is out of the range that the plan's vectors have.
    """
    plan, opened = signed.plan, proof.opened
    updates = dict(_updates(header, proof, signed))
    bound = {sender: committed_of(update, plan) for sender, update in updates.items()}
    claims = ReadOneByOne({sender: partial(bounds_claim, update, plan) for sender, update in updates.items()})
    if plan.committee is None and len(bound) != len(plan.hospitals):
        raise RefusedError(
            "a hospital of the plan is not in the sum", reason="proof.hospital-lacking", advice=_CALL
        )
    if plan.committee is None and own not in header.updates:
        raise RefusedError(
            "the update of this hospital in the proof is not the one that it exported",
            reason="proof.other-own-update",
            advice=_CALL,
        )
    for one, other in contradictions(bound):
        raise RefusedError(
            f"{_name(signed, one)} and {_name(signed, other)} state different masks between them",
            reason="proof.masks-contradict",
            advice=_CALL,
        )
    statement = plan.proven
    for wrong in out_of_bounds(statement, claims) if statement else ():
        raise RefusedError(
            f"the update of {_name(signed, wrong)} does not show that its numbers are within the "
            "bounds of the plan",
            reason="proof.out-of-bounds",
            advice=_CALL,
        )
    scalars = as_scalars(opened.numbers, opened.blinding)
    if not opens(scalars, [committed.vector for committed in bound.values()]):
        raise RefusedError(
            "the sum is not the sum of what the hospitals committed to",
            reason="proof.sum-not-as-committed",
            advice=_CALL,
        )
    check_range(opened.numbers, plan.manifest, len(bound), statement.limits if statement else None)
    return ProvenSum(opened, tuple(bound), own in header.updates)


def _updates(
    header: ProofHeader, proof: Proof, signed: SignedPlan
) -> Iterator[tuple[Fingerprint, UpdateHeader]]:
    """The updates in the sum, by sender; every rule for updates holds for each."""
    last = ""
    for digest, envelope in zip(header.updates, proof.envelopes, strict=True):
        update, member = read_update(envelope, signed.plan.roster.members)
        if update.plan != signed.digest:
            raise RefusedError(
                f"{member.name} has followed another plan of this round than this hospital",
                reason="proof.other-plan",
                advice=f"{_CALL}; compare the words of the plan with {member.name}: privxray verify FILE",
            )
        admit_update(update, member, signed)
        if envelope.digest != digest or update.sender <= last:
            raise RefusedError(
                "the updates in the proof are not those that it lists, each hospital once",
                reason="proof.other-updates",
                advice=_CALL,
            )
        last = update.sender
        yield update.sender, update


def _name(signed: SignedPlan, fingerprint: Fingerprint) -> str:
    member = signed.plan.roster.hospital(fingerprint)
    return member.name if member else "a hospital"
