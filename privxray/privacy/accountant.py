"""From events to epsilon, and from epsilon to noise.

Composition is done by pessimistic privacy loss distributions (:mod:`privxray.privacy.losses`), so that the
figure is an upper bound. Gaussian events are collapsed first, exactly: seen through its privacy loss, k
Gaussian mechanisms of noise s_1 .. s_k over their sensitivities are one of noise 1 / sqrt(sum 1 / s_i^2)
(Dong, Roth and Su 2022, "Gaussian differential privacy", corollary 3.3).

Neighbours differ by one patient who is there or not. On request the figure is given for neighbours that
differ by one patient who is replaced by another. That is not twice the first, nor can it be read off it:
replacing moves an answer by up to twice the sensitivity, which for Gaussian events doubles mu = 1 / noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from privxray.errors import BudgetError, UsageError
from privxray.privacy import losses
from privxray.privacy.events import Event, merge
from privxray.privacy.guarantee import ADJACENCY, REPLACE_ADJACENCY, Guarantee
from privxray.privacy.losses import Losses, Pair

LEAST_DELTA = 1e-10
MAX_EPSILON = 100.0  # beyond it a guarantee says nothing

_MOST_NOISE = 2.0**30
_RELATIVE_TOLERANCE = 1e-5


def epsilon(events: Iterable[Event], delta: float, *, replace_one: bool = False) -> float:
    """The epsilon of all ``events`` together at ``delta``.

    The order of the events does not matter, not even in the last bit, so a history that was admitted once is
    admitted again.

    :param replace_one: for replace-one-patient adjacency; else for add-or-remove-one-patient.
    :returns: an upper bound >= 0; infinity where a noise is too small to promise anything.
    :raises UsageError: delta not in (0, 1).
    """
    require_delta(delta)
    pairs: tuple[Pair, ...] = ("replace",) if replace_one else ("remove", "add")
    return _epsilon_after((), merge(events), delta, pairs)


def guarantee(events: Iterable[Event], delta: float, *, replace_one: bool = False) -> Guarantee:
    """As :func:`epsilon`, with what it means nothing without."""
    adjacency = REPLACE_ADJACENCY if replace_one else ADJACENCY
    return Guarantee(epsilon(events, delta, replace_one=replace_one), delta, adjacency)


def calibrate(
    build: Callable[[float], Sequence[Event]], limit: Guarantee, *, past: Sequence[Event] = ()
) -> float:
    """The smallest noise scale s at which ``past`` and ``build(s)`` together keep to ``limit``.

    :param build: the events at noise scale s; more scale must mean more noise in each of them.
    :param limit: epsilon in (0, 100], delta in (0, 1).
    :returns: s, rounded up by about 1e-5 of itself, and admitted by :func:`epsilon` as it stands.
    :raises BudgetError: ``past`` leaves no room, whatever the noise.
    :raises UsageError: epsilon or delta out of range.
    """
    require_epsilon(limit.epsilon)
    require_delta(limit.delta)
    past = merge(past)

    def excess(scale: float) -> float:
        reached = epsilon_after(past, build(scale), limit.delta)
        # As a logarithm, for there it is nearly a straight line; clamped, for a root finder needs it finite.
        return math.log(min(max(reached, 1e-9), 1e9) / limit.epsilon)

    low, high = _bracket(excess, limit)
    return _admitted(build, past, limit, _search(excess, low, high))


def epsilon_after(past: tuple[Event, ...], events: Sequence[Event], delta: float) -> float:
    """As :func:`epsilon` of both, for a search: one past with one attempt after another is quick.

    The past is composed by itself first, and kept; so the figure may differ from that in its last digits.

    :param past: merged.
    """
    return _epsilon_after(past, merge(events), delta, ("remove", "add"))


def require_epsilon(epsilon: float) -> None:
    """:raises UsageError: epsilon is not a number in (0, 100]."""
    if not 0.0 < epsilon <= MAX_EPSILON:  # also false for NaN
        raise UsageError(f"epsilon must be a number above 0 and at most {MAX_EPSILON:g}")


def require_delta(delta: float) -> None:
    """:raises UsageError: delta is not a number in (0, 1)."""
    if not 0.0 < delta < 1.0:
        raise UsageError("delta must be a number above 0 and below 1, far below one over the patients")


def promises_something(delta: float, n_max: int) -> bool:
    """Whether delta is below 1 / n_max, where at most n_max patients take part.

    Above, a mechanism that publishes one patient of n whole, at random, has this delta.
    """
    return delta * n_max < 1.0


def require_delta_below(delta: float, n_max: int) -> None:
    """:raises UsageError: delta does not promise something, or is too small for the accountant.

    What rounding may hide is charged to delta (:mod:`privxray.privacy.losses`) and would be most of it.
    """
    require_delta(delta)
    if delta < LEAST_DELTA:
        raise UsageError(f"delta {delta:g} is smaller than the accountant resolves ({LEAST_DELTA:g})")
    if not promises_something(delta, n_max):
        raise UsageError(
            f"delta {delta:g} is not below one over the {n_max:,} patients that a hospital may have (the "
            "plan's constant n_max)",
            advice="Plan with a smaller delta, or with a smaller n_max under `constants` of --from FILE.yaml",
        )


def _bracket(excess: Callable[[float], float], limit: Guarantee) -> tuple[float, float]:
    """A refused and an admitted scale within a factor of two.

    The way leads from much noise to less: small noise is what makes distributions large and slow.
    """
    high = 64.0
    while excess(high) > 0:
        high *= 2.0**4
        if high > _MOST_NOISE:
            raise BudgetError(
                f"what was spent before leaves no room below {limit}",
                advice="See `privxray budget` for the runs; a larger epsilon is the study's to decide",
            )
    low = high / 2.0
    while excess(low) <= 0:
        low, high = low / 2.0, low
    return low, high


def _search(excess: Callable[[float], float], low: float, high: float) -> float:
    """The scale where the limit is met, rounded up within the tolerance (Brent's method on the logarithm)."""
    from scipy.optimize import brentq

    root = brentq(lambda x: excess(math.exp(x)), math.log(low), math.log(high), xtol=_RELATIVE_TOLERANCE / 4)
    return math.exp(root) * (1.0 + _RELATIVE_TOLERANCE / 2)


def _admitted(
    build: Callable[[float], Sequence[Event]], past: Sequence[Event], limit: Guarantee, scale: float
) -> float:
    """Check ``scale`` as the ledger will: composed afresh, in the order of :func:`merge`."""
    for _ in range(100):
        if epsilon([*past, *build(scale)], limit.delta) <= limit.epsilon:
            return scale
        scale *= 1.0 + _RELATIVE_TOLERANCE
    raise BudgetError(f"no noise was found that stays below {limit}")


# One command asks for the same figure several times (to calibrate, to admit, to print), and a demo for every
# hospital.
@lru_cache(maxsize=1024)
def _epsilon_after(
    past: tuple[Event, ...], events: tuple[Event, ...], delta: float, pairs: tuple[Pair, ...]
) -> float:
    mass = _gaussian_mass(past) + _gaussian_mass(events)
    if not any(event.kind == "poisson-gaussian" for event in (*past, *events)):
        pairs = pairs[:1]  # a Gaussian's losses are the same with a patient more and with one less
    return max(_epsilon_of(mass, past, events, delta, pair) for pair in pairs)


def _epsilon_of(
    mass: float, past: tuple[Event, ...], events: tuple[Event, ...], delta: float, pair: Pair
) -> float:
    parts = _sampled(events, pair)
    if any(event.kind == "poisson-gaussian" for event in past):
        parts.append((_sampled_past(past, pair), 1))
    if mass > 0:
        parts.append((losses.gaussian(1.0 / math.sqrt(mass), 1.0, pair), 1))
    return losses.compose(parts).epsilon(delta)


def _gaussian_mass(events: Iterable[Event]) -> float:
    """The sum of count / noise^2 over the Gaussian events: mu squared, in the words of Gaussian DP."""
    # fsum: a sum that is exact up to one rounding can't depend on the order.
    return math.fsum(event.count / event.noise / event.noise for event in events if event.kind == "gaussian")


def _sampled(events: Iterable[Event], pair: Pair) -> list[tuple[Losses, int]]:
    return [
        (losses.gaussian(event.noise, event.q, pair), event.count)
        for event in events
        if event.kind == "poisson-gaussian"
    ]


@lru_cache(maxsize=2)  # a search composes the same past with one attempt after another, for both pairs
def _sampled_past(events: tuple[Event, ...], pair: Pair) -> Losses:
    return losses.compose(_sampled(events, pair))
