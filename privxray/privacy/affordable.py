"""What is left of a budget, in terms of what can still be done with it.

There is no single number for it: how much epsilon still fits depends on the mechanism that asks. Each answer
here is found by a search, and then checked by the accountant as the ledger would check it.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.errors import BudgetError
from privxray.privacy import accountant
from privxray.privacy.events import Event, merge, steps_of
from privxray.privacy.guarantee import Guarantee, require_epsilon

MOST_STEPS = 1 << 20


def room(limit: Guarantee, *, past: Sequence[Event]) -> tuple[Event, ...]:
    """The single run of Gaussian noise over all patients that would take all that is left.

    :param limit: of this run and ``past`` together.
    :returns: its one event; empty where nothing is left.
    :raises UsageError: the limit is out of range.
    """

    def gaussian(scale: float) -> tuple[Event, ...]:
        return (steps_of(scale, 1.0, 1),)

    try:
        return gaussian(accountant.calibrate(gaussian, limit, past=past))
    except BudgetError:
        return ()


def largest_epsilon(limit: Guarantee, *, past: Sequence[Event]) -> float:
    """The largest epsilon that one more run of Gaussian noise over all patients can have.

    :param limit: of this run and ``past`` together.
    :returns: at the delta of ``limit``; 0 where nothing is left.
    :raises UsageError: the limit is out of range.
    """
    return accountant.epsilon(room(limit, past=past), limit.delta)


def least_noise(steps: int, q: float, limit: Guarantee, *, past: Sequence[Event]) -> float | None:
    """The least noise with which ``steps`` more steps at sampling rate ``q`` still fit.

    :returns: a standard deviation over the sensitivity; None where no noise is enough.
    :raises UsageError: the limit is out of range.
    """
    try:
        return accountant.calibrate(lambda scale: (steps_of(scale, q, steps),), limit, past=past)
    except BudgetError:
        return None


def most_steps(noise: float, q: float, limit: Guarantee, *, past: Sequence[Event]) -> int:
    """How many more steps of this noise and sampling rate still fit.

    :param noise: standard deviation over the sensitivity.
    :returns: 0 where none fits, and ``MOST_STEPS`` where as many or more fit.
    :raises UsageError: the limit is out of range.
    """
    require_epsilon(limit.epsilon)
    before = merge(past)

    def fits(steps: int) -> bool:
        reached = accountant.epsilon_after(before, (steps_of(noise, q, steps),), limit.delta)
        return reached <= limit.epsilon

    if not fits(1):
        return 0
    low, high = 1, MOST_STEPS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    # The search composes the past first, so its figure may differ from the ledger's in the last digits.
    while low and accountant.epsilon([*before, steps_of(noise, q, low)], limit.delta) > limit.epsilon:
        low -= 1
    return low
