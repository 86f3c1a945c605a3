"""A plan in words: where in its study it is, and what it fixes, for display.

Tested in tests/cli/test_inspect.py and tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_hybrid import masks_term
from privxray.formats.features import BOUND_PROOFS


def place_in_words(plan: PlanHeader) -> str:
    """Which part of its study a plan is, such as ``training round 1 of 3``."""
    if plan.its_task == "train":
        return f"training round {plan.stage} of {plan.stages}"
    return _PLACES[plan.its_task]


_PLACES = {
    "agree": "agreement on secrets for the masks",
    "describe": "description of the patients, before the training",
    "evaluate": "evaluation of the model, after the training",
}


def public_constants(plan: PlanHeader) -> Mapping[str, JsonValue]:
    """What the plan fixes, for display: all that a person should see of it."""
    return {
        "format": plan.format,
        **({"features": list(plan.features)} if plan.features else {}),
        **_tasks(plan),
        "method": plan.method,
        "rounds": plan.stages,
        "classes": list(plan.classes),
        "epsilon": plan.epsilon,
        "delta": plan.delta,
        "adjacency": plan.adjacency,
        "mode": plan.mode,
        "masks": masks_term(plan.features),
        **({"commitments": plan.commitments} if plan.commitments else {}),
        **({"bounds": "proven by each hospital"} if BOUND_PROOFS in plan.features else {}),
        **_committee_terms(plan),
        **_stated_sizes(plan),
        **(plan.successors.stated(plan.roster) if plan.successors else {}),
        "extractor": plan.extractor_file.label if plan.extractor_file else plan.extractor,
        **dict(sorted(plan.constants.items())),  # as a plan that was carried has them
    }


def _tasks(plan: PlanHeader) -> Mapping[str, JsonValue]:
    if plan.schedule is None:
        return {}
    return {"task": plan.task, "schedule": [str(entry) for entry in plan.schedule]}


def _stated_sizes(plan: PlanHeader) -> Mapping[str, JsonValue]:
    sizes: list[JsonValue] = [f"{name} up to {size.bracket:,}" for name, size in plan.sizes.items()]
    return {"patients": sizes} if sizes else {}


def _committee_terms(plan: PlanHeader) -> Mapping[str, JsonValue]:
    if plan.committee is None:
        return {}
    parties = [plan.roster.party(seat.keyholder) for seat in plan.committee.seats]
    return {
        "keyholders": [party.name for party in parties if party],
        "threshold": plan.committee.threshold,
        "corrupt_keyholders": plan.committee.corrupt_keyholders,
        "corrupt_hospitals": plan.committee.corrupt_hospitals,
        "minimum_cohort": plan.committee.minimum_cohort,
    }
