"""What a whole study may cost a patient: all tasks of its schedule together, at its plan's delta.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.exchange.messages.plan import PlanHeader
from privxray.learning import methods
from privxray.privacy.accountant import calibrate, guarantee
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee


def answer_events(noise: float) -> list[Event]:
    """What one noisy answer about all patients costs.

    :param noise: its standard deviation over the sensitivity.
    """
    return [Event(kind="gaussian", noise=noise)]


def answer_noise(limit: Guarantee) -> float:
    """The least noise of one answer that keeps to a limit: a standard deviation over the sensitivity."""
    return calibrate(answer_events, limit)


def whole_cost(plan: PlanHeader) -> Guarantee:
    """The composition of all entries of a plan's schedule, each with the noise that its epsilon comes to.

    A training that a hospital does with a smaller epsilon costs less. One that it does anew, or audits, come
    on top.
    """
    return guarantee(list(_events(plan)), plan.delta)


def _events(plan: PlanHeader) -> Iterator[Event]:
    for entry in plan.its_schedule:
        limit = Guarantee(entry.epsilon, plan.delta)
        if entry.task == "train":
            method = methods.get(plan.method)
            constants = method.constants(plan.constants)
            noise = method.plan_noise(constants, limit, rounds_left=entry.stages, past=[])
            yield from entry.stages * method.round_events(constants, noise)
        elif entry.epsilon > 0:
            yield from answer_events(answer_noise(limit))
