"""The rules for what a plan is for, by the plan alone (docs/SPEC-2.md, section 4).

Between a plan and the one before it, :mod:`.admit_successor` decides.
Tested in tests/unit/test_exchange_tasks.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.errors import RefusedError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import (
    COUNT_BITS,
    ORDER,
    ScheduleEntry,
    count_manifest,
    score_manifest,
)
from privxray.formats.features import HYBRID_MASKS, TASKS
from privxray.formats.tensors import TensorSpec

_OTHER_PLAN = "The coordinator has to make another plan"


def check_tasks(plan: PlanHeader) -> None:
    """The rules of the feature ``tasks`` that need nothing but the plan.

    :raises RefusedError: a schedule in another order or with other terms than a schedule has, a plan that is
        not as its entry says, or parts that don't belong to its task.
    """
    if TASKS not in plan.features:
        return
    schedule = plan.its_schedule
    _check_schedule(schedule, hybrid=HYBRID_MASKS in plan.features)
    entry = next((one for one in schedule if one.task == plan.its_task), None)
    if entry is None or (entry.epsilon, entry.stages) != (plan.epsilon, plan.stages):
        raise RefusedError(
            f"the plan's task is {plan.its_task}, and its schedule lacks that, or states another epsilon or "
            "number of rounds for it",
            reason="plan.not-as-scheduled",
            advice=_OTHER_PLAN,
        )
    if not _parts_fit(plan):
        raise RefusedError(
            f"the plan's parts are not those of a plan with the task {plan.its_task}",
            reason="plan.parts-of-other-task",
            advice=_OTHER_PLAN,
        )


def _check_schedule(schedule: Sequence[ScheduleEntry], *, hybrid: bool) -> None:
    tasks = [entry.task for entry in schedule]
    if tasks != sorted(set(tasks), key=ORDER.index) or "train" not in tasks:
        raise RefusedError(
            f"the tasks of the plan's schedule do not stand in the order {', '.join(ORDER)}, each at most "
            "once and train among them",
            reason="plan.schedule-order",
            advice=_OTHER_PLAN,
        )
    if ("agree" in tasks) != hybrid:
        raise RefusedError(
            "the plan's schedule agrees on secrets and its masks are not hybrid, or its masks are hybrid and "
            "nothing agrees on secrets for them",
            reason="plan.agree-without-use",
            advice=_OTHER_PLAN,
        )
    for entry in schedule:
        free, single = entry.task == "agree", entry.task != "train"
        if (entry.epsilon == 0) != free or (single and entry.stages != 1):
            raise RefusedError(
                f"the plan's schedule gives {entry.task} an epsilon or a number of rounds that it can't have",
                reason="plan.schedule-entry",
                advice=_OTHER_PLAN,
            )


def _parts_fit(plan: PlanHeader) -> bool:
    """Whether a plan has what belongs to its task and nothing else, and asks for that task's vector."""
    described, evaluated = (plan.age_bands, plan.sexes), (plan.model, plan.edges)
    if plan.its_task == "describe":
        return evaluated == (None, None) and _describes(plan)
    if plan.its_task == "evaluate":
        return described == (None, None) and _evaluates(plan)
    return (*described, *evaluated) == (None,) * 4


def _describes(plan: PlanHeader) -> bool:
    if plan.age_bands is None or plan.sexes is None:
        return False
    bands, sexes = len(plan.age_bands), len(plan.sexes)
    if (len(set(plan.age_bands)), len(set(plan.sexes))) != (bands, sexes):
        return False
    return _sums(plan, count_manifest(len(plan.classes), bands, sexes, plan.constants))


def _evaluates(plan: PlanHeader) -> bool:
    if plan.model is None or plan.edges is None or not plan.body.length:
        return False
    bins = len(plan.edges[0]) + 1
    if [len(one) for one in plan.edges] != [bins - 1] * len(plan.classes):
        return False
    if any(list(one) != sorted(set(one)) for one in plan.edges):
        return False
    return _sums(plan, score_manifest(len(plan.classes), bins, plan.constants))


def _sums(plan: PlanHeader, manifest: tuple[TensorSpec, ...]) -> bool:
    return (plan.modulus_bits, plan.manifest) == (COUNT_BITS, manifest)
