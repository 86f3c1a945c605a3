"""What a whole study may cost a patient: all tasks of its schedule together, at its plan's delta.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import ScheduleEntry, sensitivity
from privxray.formats.header import TaskName
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee


def answer_events(noise: float) -> list[Event]:
    """What one noisy answer about all patients costs.

    :param noise: its standard deviation over the sensitivity.
    """
    return [Event(kind="gaussian", noise=noise)]


def answer_noise(limit: Guarantee) -> float:
    """The least noise of one answer that keeps to a limit: a standard deviation over the sensitivity."""
    from privxray.privacy.accountant import calibrate  # with numpy, which status does without

    return calibrate(answer_events, limit)


def answer_deviation(noise: float, task: TaskName, classes: int) -> float:
    """The standard deviation of one hospital's noise in each count of its answer.

    :param noise: over the sensitivity, see :func:`answer_noise`.
    :param task: that is answered. :param classes: of the study.
    """
    from privxray.privacy.noise import SENSITIVITY_INFLATION  # with numpy, which status does without

    return noise * sensitivity(task, classes) * SENSITIVITY_INFLATION


def whole_cost(plan: PlanHeader) -> Guarantee:
    """What all tasks of a plan's study cost together, each with the noise that its epsilon comes to.

    A training that a hospital does with a smaller epsilon costs less. One that it does anew, or audits, come
    on top.
    """
    return _composed(plan, plan.its_schedule)


def cost_so_far(plan: PlanHeader) -> Guarantee:
    """Likewise, of a plan's task and those before it."""
    return _composed(plan, plan.its_schedule[: plan.place.entry + 1])


def _composed(plan: PlanHeader, schedule: Sequence[ScheduleEntry]) -> Guarantee:
    if plan.schedule is None:
        return Guarantee(plan.epsilon, plan.delta)
    from privxray.privacy.accountant import guarantee

    return guarantee([event for entry in schedule for event in _events(plan, entry)], plan.delta)


def _events(plan: PlanHeader, entry: ScheduleEntry) -> list[Event]:
    limit = Guarantee(entry.epsilon, plan.delta)
    if entry.task == "train":
        from privxray.learning import methods  # with torch, where that is what trains

        method = methods.get(plan.method)
        constants = method.constants(plan.constants)
        noise = method.plan_noise(constants, limit, rounds_left=entry.stages, past=[])
        return entry.stages * method.round_events(constants, noise)
    return answer_events(answer_noise(limit)) if entry.epsilon > 0 else []
