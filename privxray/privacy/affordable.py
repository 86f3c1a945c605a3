"""What is left of a budget, in terms of what can still be done with it.

There is no one number for it: how much epsilon fits depends on the mechanism that asks. Each answer here is
found by search and then admitted by the accountant as the ledger would admit it.
"""

from __future__ import annotations

from collections.abc import Sequence

from privxray.errors import BudgetError
from privxray.privacy import accountant
from privxray.privacy.events import Event, merge
from privxray.privacy.guarantee import Guarantee

MOST_STEPS = 1 << 20


def room(limit: Guarantee, *, past: Sequence[Event]) -> tuple[Event, ...]:
    """The run of Gaussian noise over all patients that takes all that is left; empty where nothing is.

    :param limit: of this run and ``past`` together.
    """

    def gaussian(scale: float) -> tuple[Event, ...]:
        return (Event(kind="gaussian", noise=scale),)

    try:
        return gaussian(accountant.calibrate(gaussian, limit, past=past))
    except BudgetError:
        return ()


def largest_epsilon(limit: Guarantee, *, past: Sequence[Event]) -> float:
    """The largest epsilon that one run of Gaussian noise over all patients can have beside ``past``.

    :returns: at the delta of ``limit``; 0 where nothing fits.
    """
    return accountant.epsilon(room(limit, past=past), limit.delta)


def least_noise(steps: int, q: float, limit: Guarantee, *, past: Sequence[Event]) -> float | None:
    """The least noise over sensitivity with which ``steps`` more steps at sampling rate ``q`` still fit.

    :returns: None where nothing fits.
    """
    try:
        return accountant.calibrate(lambda scale: (_step(scale, q, steps),), limit, past=past)
    except BudgetError:
        return None


def most_steps(noise: float, q: float, limit: Guarantee, *, past: Sequence[Event]) -> int:
    """How many more steps of this noise and sampling rate still fit; ``MOST_STEPS`` at most.

    :param noise: standard deviation over sensitivity.
    """
    accountant.require_epsilon(limit.epsilon)
    before = merge(past)

    def fits(steps: int) -> bool:
        return accountant.epsilon_after(before, (_step(noise, q, steps),), limit.delta) <= limit.epsilon

    if not fits(1):
        return 0
    low, high = 1, MOST_STEPS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    # The search composes the past first, which may differ from the ledger's figure in the last digits.
    while low and accountant.epsilon([*before, _step(noise, q, low)], limit.delta) > limit.epsilon:
        low -= 1
    return low


def _step(noise: float, q: float, count: int) -> Event:
    kind = "gaussian" if q == 1.0 else "poisson-gaussian"
    return Event(kind=kind, noise=noise, count=count, q=q)  # type: ignore[arg-type]
