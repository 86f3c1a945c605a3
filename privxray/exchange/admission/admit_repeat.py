"""The rules for a plan that repeats a failed round (docs/SPEC-2.md, section 6, and docs/adr/0113).

A second sum of the same vectors tells nothing new where the cohort is the same and each vector is. So the
hospitals of the failed round are exactly those of its repetition, under the same terms. Those that train anew
show the difference between their two vectors to whoever sees both sums; they alone, and they are told.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.admission.admit_successor import task_terms_of, terms_of
from privxray.exchange.messages.plan import PlanHeader, SignedPlan

_CALL = "Don't follow it; call the coordinator"


def check_repeats(plan: PlanHeader) -> None:
    """The rules for the field ``repeats`` that need nothing but the plan itself.

    :raises RefusedError: a plan with keyholders or without commitments, or its list is not of hospitals of
        the roster, each once.
    """
    if plan.repeats is None:
        return
    if plan.commitments is None or plan.committee is not None:
        raise RefusedError(
            "the plan repeats a round, which goes only in the mode strict and with commitments",
            reason="repeat.other-mode",
            advice=_CALL,
        )
    parties = [one.party for one in plan.repeats.same]
    if parties != sorted(set(parties)) or not set(parties) <= set(plan.hospitals):
        raise RefusedError(
            "the plan repeats the vectors of other parties than its hospitals, or of one twice",
            reason="repeat.other-parties",
            advice=_CALL,
        )


def admit_repeat(plan: PlanHeader, followed: SignedPlan) -> None:
    """Whether a plan may repeat the round of the plan that this party followed last.

    :raises RefusedError: it repeats another round, under other terms, or among other hospitals.
    """
    if plan.repeats is None:
        return
    before = followed.plan
    if plan.repeats.plan != followed.digest or plan.place != before.place:
        raise RefusedError(
            "the plan repeats another round than the one that was followed here",
            reason="repeat.other-round",
            advice="Ask the coordinator for the plan in between",
        )
    if _terms(plan) != _terms(before):
        raise RefusedError(
            "the plan repeats a round under other terms", reason="repeat.other-terms", advice=_CALL
        )
    if set(plan.hospitals) != set(before.hospitals):
        raise RefusedError(
            "the plan repeats a round among other hospitals, so both sums together would show the vectors of "
            "those that came or left",
            reason="repeat.other-hospitals",
            advice=_CALL,
        )


def _terms(plan: PlanHeader) -> tuple[object, ...]:
    return (*terms_of(plan), *task_terms_of(plan), plan.body.sha256)
