"""The rules for a plan with hybrid masks that need nothing but the plan (docs/SPEC-2.md, section 8).

Between it and the plan before, :mod:`.admit_agreement` decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_hybrid import MAX_AGREEING
from privxray.formats.features import HYBRID_MASKS, TASKS
from privxray.formats.header import Fingerprint

_CALL = "Don't follow it; call the coordinator"
_OTHER_PLAN = "The coordinator has to make another plan"


def check_hybrid(plan: PlanHeader) -> None:
    """The rules of the feature ``hybrid-masks`` that need nothing but the plan.

    :raises RefusedError: the plan contradicts itself, has too many hospitals, or two have the same key.
    :raises IdentityError: a key or a ciphertext is not signed by its owner.
    :raises MalformedError: a key fails the modulus check, or a ciphertext has another length.
    """
    agrees = plan.its_task == "agree"
    if HYBRID_MASKS not in plan.features:
        return
    if TASKS not in plan.features:
        raise RefusedError(
            "the plan has hybrid masks and no schedule of tasks",
            reason="plan.hybrid-without-tasks",
            advice=_OTHER_PLAN,
        )
    if len(plan.hospitals) > MAX_AGREEING:
        raise RefusedError(
            f"hybrid masks go with at most {MAX_AGREEING} hospitals, and the plan has {len(plan.hospitals)}",
            reason="plan.too-many-for-hybrid",
            advice="The coordinator has to plan without them: privxray plan CARDS --masks x25519",
        )
    _check_keys(plan, agrees=agrees)
    if plan.encapsulated is not None:
        _check_encapsulated(plan, agrees=agrees)


def _check_keys(plan: PlanHeader, *, agrees: bool) -> None:
    """Each hospital has an encapsulation key in a plan of the task ``agree``, and in no other."""
    for member in plan.roster.members:
        if (member.kem is not None) is not agrees:
            raise RefusedError(
                "encapsulation keys belong to a plan that agrees on secrets, one for each hospital",
                reason="plan.encapsulation-keys",
                advice=_OTHER_PLAN,
            )
        if member.kem is None:
            continue
        member.kem.verify(member.keys)
        if member.kem.study not in (None, plan.study):
            raise RefusedError(
                f"the encapsulation key of {member.name} was made for another study",
                reason="roster.encapsulation-key-of-other-study",
                advice=f"{member.name} has to send a new card: privxray card --study {plan.study}",
            )
    keys = [member.kem.key for member in plan.roster.members if member.kem]
    if len(set(keys)) < len(keys):
        raise RefusedError(
            "two entries of the roster have the same encapsulation key",
            reason="roster.encapsulation-key-twice",
            advice=_OTHER_PLAN,
        )


def _check_encapsulated(plan: PlanHeader, *, agrees: bool) -> None:
    """What was encapsulated is there for each two hospitals, signed by the lower one, all under one plan."""
    stated = plan.encapsulated or ()
    if agrees or [one.party for one in stated] != sorted(plan.hospitals):
        raise RefusedError(
            "the plan does not have the ciphertexts of exactly its hospitals, by ascending fingerprint",
            reason="plan.other-ciphertexts",
            advice=_CALL,
        )
    for one in stated:
        one.verify(plan.roster.known_hospital(one.party).keys)
        if one.plan != stated[0].plan:
            raise RefusedError(
                "the plan has ciphertexts that were made under different plans",
                reason="plan.ciphertexts-of-two-plans",
                advice=_CALL,
            )
    for low, high in _pairs(plan):
        if next(one for one in stated if one.party == low).to(high) is None:
            raise RefusedError(
                "the plan lacks the ciphertext between two of its hospitals",
                reason="plan.ciphertext-lacking",
                advice=_CALL,
            )


def _pairs(plan: PlanHeader) -> Iterator[tuple[Fingerprint, Fingerprint]]:
    """Each two hospitals once, the lower fingerprint first."""
    ordered = sorted(plan.hospitals)
    for place, low in enumerate(ordered):
        for high in ordered[place + 1 :]:
            yield low, high
