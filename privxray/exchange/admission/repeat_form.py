"""The rules for a plan that repeats a round, as far as the plan alone can show (docs/SPEC-2.md, section 6).

What it repeats is looked at in :mod:`privxray.exchange.admission.repeating.admit_repeat`.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.features import REPEATS_WITHOUT, is_ascending

_CALL = "Don't follow it; call the coordinator"


def check_repeats(plan: PlanHeader) -> None:
    """The rules for the fields ``repeats`` and ``without`` that need nothing but the plan itself.

    :raises RefusedError: a plan without commitments, or with keyholders and without the feature
        ``repeats-without``; a list that is not of hospitals of the roster, each once; or a ``without`` that
        has no place.
    """
    if plan.repeats is None:
        if plan.without is not None:
            raise RefusedError(
                "the plan says how a repetition differs, and repeats nothing",
                reason="repeat.without-alone",
                advice=_CALL,
            )
        return
    held = plan.committee is not None
    if plan.commitments is None or (held and REPEATS_WITHOUT not in plan.features):
        raise RefusedError(
            "the plan repeats a round, which takes commitments and, with keyholders, the feature "
            f"{REPEATS_WITHOUT}",
            reason="repeat.other-mode",
            advice=_CALL,
        )
    parties = [one.party for one in plan.repeats.same]
    if not is_ascending(parties) or not set(parties) <= set(plan.hospitals):
        raise RefusedError(
            "the plan repeats the vectors of other parties than its hospitals, or of one twice",
            reason="repeat.other-parties",
            advice=_CALL,
        )
    if plan.without is not None:
        _check_without(plan, held=held)


def _check_without(plan: PlanHeader, *, held: bool) -> None:
    """:raises RefusedError: what belongs to the other mode, or a sum of parties outside the plan."""
    without = plan.without
    if without is None:
        return
    if held and without.faulty:
        raise RefusedError(
            "the plan shows a wrong update, which with keyholders is left out before anybody is asked",
            reason="repeat.faulty-with-keyholders",
            advice=_CALL,
        )
    if not held and (without.asked is not None or without.refusals):
        raise RefusedError(
            "the plan has no keyholders, and says what they were asked or refused",
            reason="repeat.keyholders-in-strict",
            advice=_CALL,
        )
    asked = without.asked
    if asked is not None and (not is_ascending(asked) or not set(asked) <= set(plan.hospitals)):
        raise RefusedError(
            "the plan says that the keyholders were asked for a sum of others than its hospitals",
            reason="repeat.asked-others",
            advice=_CALL,
        )
