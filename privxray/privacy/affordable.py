"""What is left of a budget, in terms of what can still be done with it.

There is no single number for it: how much epsilon still fits depends on the mechanism that asks. Each answer
here is found by a search that asks the ledger's own rule (:mod:`.adaptive_filter`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from privxray.errors import BudgetError
from privxray.privacy import accountant
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event, steps_of
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.sampling import LEAST_SAMPLED_NOISE

MOST_STEPS = 1 << 20
_HALVINGS = 17  # of a factor of two, in logarithms: what is left is a factor of 1 + 5e-6


def least_scale(
    build: Callable[[float], Sequence[Event]], limit: Guarantee, *, past: Sequence[Event]
) -> float:
    """The least noise scale s at which ``build(s)`` still fits below a lifetime limit.

    :param build: the events at noise scale s; more scale must mean more noise in each of them.
    :param limit: of these events and ``past`` together.
    :returns: s, rounded up by at most 1e-5 of itself, and admitted as it stands.
    :raises BudgetError: ``past`` leaves no room, whatever the noise.
    :raises UsageError: the limit is out of range.
    """
    rule = filter_of(limit)

    def fits(scale: float) -> bool:
        return rule.admits([*past, *build(scale)])

    low, high = accountant.bracket(fits, limit)
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def room(limit: Guarantee, *, past: Sequence[Event]) -> tuple[Event, ...]:
    """The single run of Gaussian noise over all patients that would take all that is left.

    :param limit: of this run and ``past`` together.
    :returns: its one event; empty where nothing is left.
    :raises UsageError: the limit is out of range.
    """

    def gaussian(scale: float) -> tuple[Event, ...]:
        return (steps_of(scale, 1.0, 1),)

    try:
        return gaussian(least_scale(gaussian, limit, past=past))
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
    least = LEAST_SAMPLED_NOISE if q < 1.0 else 0.0
    try:
        return max(least, least_scale(lambda scale: (steps_of(scale, q, steps),), limit, past=past))
    except BudgetError:
        return None


def most_steps(noise: float, q: float, limit: Guarantee, *, past: Sequence[Event]) -> int:
    """How many more steps of this noise and sampling rate still fit.

    :param noise: standard deviation over the sensitivity.
    :returns: 0 where none fits, and ``MOST_STEPS`` where as many or more fit.
    :raises UsageError: the limit is out of range.
    """
    rule = filter_of(limit)

    def fits(steps: int) -> bool:
        return rule.admits([*past, steps_of(noise, q, steps)])

    if q < 1.0 and noise < LEAST_SAMPLED_NOISE:
        return 0
    if not fits(1):
        return 0
    low, high = 1, MOST_STEPS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
