"""From events to epsilon, and from epsilon to noise.

Every figure is an upper bound: events are composed as pessimistic privacy loss distributions
(:mod:`privxray.privacy.loss_distributions`). Gaussian events are merged first, which loses nothing: k
Gaussian mechanisms of noise s_1 .. s_k over their sensitivities have the privacy loss of one with noise 1 /
sqrt(sum 1 / s_i^2) (Dong, Roth and Su 2022, "Gaussian differential privacy", corollary 3.3).

Neighbouring data sets differ by one patient who is there or not. On request the figure is for data sets that
differ by one patient in another's place. It is not twice the first figure, and can't be computed from it:
replacing a patient moves an answer by up to twice the sensitivity, which doubles mu = 1 / noise of a Gaussian
event.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache

from privxray.errors import BudgetError
from privxray.privacy import loss_distributions
from privxray.privacy.events import Event, merge
from privxray.privacy.guarantee import (
    ADJACENCY,
    REPLACE_ADJACENCY,
    Guarantee,
    require_delta,
    require_epsilon,
)
from privxray.privacy.loss_distributions import LossDistribution, Pair
from privxray.steps import step

_RELATIVE_TOLERANCE = 1e-5
_ROOT_TOLERANCE = 2.5e-6  # of the search, in the logarithm of the scale
_SCALES = tuple(2.0**power for power in range(6, 34, 4))  # 64 to 2^30: where a search begins
_GROWTHS = 100  # how often a scale may grow by the tolerance before it is given up


def epsilon(events: Iterable[Event], delta: float, *, replace_one: bool = False) -> float:
    """The epsilon of all ``events`` together at ``delta``.

    Their order does not matter, not even in the last bit. So a history that was admitted once is admitted
    again.

    :param delta: in (0, 1).
    :param replace_one: for replace-one-patient adjacency; otherwise for add-or-remove-one-patient.
    :returns: an upper bound, >= 0; infinity where a noise is too small to promise anything.
    :raises UsageError: delta not in (0, 1).
    """
    require_delta(delta)
    pairs: tuple[Pair, ...] = ("replace",) if replace_one else ("remove", "add")
    return _epsilon_after((), merge(events), delta, pairs)


def guarantee(events: Iterable[Event], delta: float, *, replace_one: bool = False) -> Guarantee:
    """The figure of :func:`epsilon` together with its delta and its adjacency.

    :raises UsageError: delta not in (0, 1).
    """
    adjacency = REPLACE_ADJACENCY if replace_one else ADJACENCY
    return Guarantee(epsilon(events, delta, replace_one=replace_one), delta, adjacency)


def calibrate(
    build: Callable[[float], Sequence[Event]], limit: Guarantee, *, past: Sequence[Event] = ()
) -> float:
    """The smallest noise scale s at which ``past`` and ``build(s)`` together keep to ``limit``.

    :param build: gives the events at noise scale s. A larger s must mean more noise in each of them.
    :param limit: epsilon in (0, 100], delta in (0, 1).
    :returns: s, rounded up by about 1e-5 of itself, and checked by :func:`epsilon` as it is returned.
    :raises BudgetError: ``past`` leaves no room, however large the noise.
    :raises UsageError: epsilon or delta out of range.
    """
    require_epsilon(limit.epsilon)
    require_delta(limit.delta)
    past = merge(past)

    tried = 0

    def excess(scale: float) -> float:
        nonlocal tried
        reached = epsilon_after(past, build(scale), limit.delta)
        tried += 1
        tick(tried, 0)
        # In logarithms it is nearly a straight line. Clamped, because the root finder needs finite values.
        return math.log(min(max(reached, 1e-9), 1e9) / limit.epsilon)

    with step("Searching for the least noise") as tick:
        low, high = bracket(lambda scale: excess(scale) <= 0, limit)
        return _admitted(build, past, limit, _search(excess, low, high))


def epsilon_after(past: tuple[Event, ...], events: Sequence[Event], delta: float) -> float:
    """The figure of :func:`epsilon` for both together, for a search that tries ``events`` again and again.

    The past is composed first, by itself, and remembered. That is quick, and the figure may differ from that
    of :func:`epsilon` in its last digits.

    :param past: as :func:`privxray.privacy.events.merge` gives them.
    """
    return _epsilon_after(past, merge(events), delta, ("remove", "add"))


def bracket(fits: Callable[[float], bool], limit: Guarantee) -> tuple[float, float]:
    """A noise scale that does not fit, and twice that scale, which does.

    The search goes from much noise to little, because small noise makes distributions large and slow.

    :param fits: whether a scale keeps to ``limit``; where one does, every larger one does.
    :raises BudgetError: not even a scale of 2^30 fits.
    """
    high = next((scale for scale in _SCALES if fits(scale)), None)
    if high is None:
        raise BudgetError(
            f"what was spent before leaves no room below {limit}",
            reason="budget.no-room",
            advice="See what was spent with `privxray budget`; only a larger epsilon would leave room",
        )
    low = high / 2.0
    while fits(low):
        low, high = low / 2.0, low
    return low, high


def _search(excess: Callable[[float], float], low: float, high: float) -> float:
    """The scale that just meets the limit, rounded up within the tolerance.

    By Brent's method, on the logarithm of the scale: to base 2, for then both ends are what they were.
    """
    from scipy.optimize import brentq

    root = brentq(lambda x: excess(2.0**x), math.log2(low), math.log2(high), xtol=_ROOT_TOLERANCE)
    return float(2.0**root) * (1.0 + _RELATIVE_TOLERANCE / 2)


def _admitted(
    build: Callable[[float], Sequence[Event]], past: Sequence[Event], limit: Guarantee, scale: float
) -> float:
    """The scale, checked as the ledger will check it: with everything composed afresh.

    The search composes the past first, so its figure can be too small in the last digits. Then the scale
    grows a little.
    """
    for _ in range(_GROWTHS):
        if epsilon([*past, *build(scale)], limit.delta) <= limit.epsilon:
            return scale
        scale *= 1.0 + _RELATIVE_TOLERANCE
    raise BudgetError(f"no noise was found that stays below {limit}", reason="budget.no-noise-found")


@cache  # a command asks for the same figure several times: to calibrate, to admit, to print
def _epsilon_after(
    past: tuple[Event, ...], events: tuple[Event, ...], delta: float, pairs: tuple[Pair, ...]
) -> float:
    mass = _gaussian_mass(past) + _gaussian_mass(events)
    if not any(event.kind == "poisson-gaussian" for event in (*past, *events)):
        pairs = pairs[:1]  # a Gaussian has the same losses when a patient is added and when one is removed
    return max(_epsilon_of(mass, past, events, delta, pair) for pair in pairs)


def _epsilon_of(
    mass: float, past: tuple[Event, ...], events: tuple[Event, ...], delta: float, pair: Pair
) -> float:
    parts = _sampled(events, pair)
    if any(event.kind == "poisson-gaussian" for event in past):
        parts.append((_sampled_past(past, pair), 1))
    if mass > 0:
        parts.append((loss_distributions.gaussian(1.0 / math.sqrt(mass), 1.0, pair), 1))
    return loss_distributions.compose(parts).epsilon(delta)


def _gaussian_mass(events: Iterable[Event]) -> float:
    """The sum of count / noise^2 over the Gaussian events: mu squared, in terms of Gaussian DP."""
    # fsum rounds once, at the end, so the sum does not depend on the order.
    return math.fsum(event.count / event.noise / event.noise for event in events if event.kind == "gaussian")


def _sampled(events: Iterable[Event], pair: Pair) -> list[tuple[LossDistribution, int]]:
    return [
        (loss_distributions.gaussian(event.noise, event.q, pair), event.count)
        for event in events
        if event.kind == "poisson-gaussian"
    ]


@lru_cache  # a search asks for the same past with each scale that it tries
def _sampled_past(events: tuple[Event, ...], pair: Pair) -> LossDistribution:
    return loss_distributions.compose(_sampled(events, pair))
