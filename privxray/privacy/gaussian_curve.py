"""The trade-off of one Gaussian mechanism, in closed form and with the standard library alone.

``status`` shows what is left of a budget in a fraction of the time that scipy takes to be imported, by the
figures that the ledger admits by. Tested in tests/unit/test_privacy_adaptive_filter.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from privxray.privacy.events import Event

_FAR = -30.0
"""Below it the distribution function is under 1e-196, and soon only its logarithm fits into a float."""


def mass(events: Iterable[Event]) -> float:
    """The sum of mu^2 = (sensitivity / noise)^2 over the applications of Gaussian events."""
    return math.fsum(event.count / event.noise / event.noise for event in events)


def gaussian_epsilon(mu: float, delta: float) -> float:
    """The epsilon of a Gaussian mechanism of mu at delta (Dong, Roth and Su 2022, corollary 2.13); its root.

    delta(epsilon) = Phi(mu / 2 - epsilon / mu) - exp(epsilon) Phi(-mu / 2 - epsilon / mu), which falls.

    :param mu: sensitivity over noise, >= 0.
    :param delta: in (0, 1).
    :returns: >= 0, and so precise that its neighbours among floats are no better.
    """

    def excess(epsilon: float) -> float:
        with_one = 0.5 * math.erfc((epsilon / mu - mu / 2) / math.sqrt(2))
        return with_one - math.exp(epsilon + _log_phi(-mu / 2 - epsilon / mu)) - delta

    if mu == 0.0 or excess(0.0) <= 0:
        return 0.0
    # The privacy loss has mean mu^2 / 2 and deviation mu. Forty deviations above, float64 has no delta left.
    low, high = 0.0, mu * (mu / 2 + 40)
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def gaussian_mu(epsilon: float, delta: float) -> float:
    """The mu of a Gaussian mechanism that has this epsilon at delta: inverts :func:`gaussian_epsilon`.

    :param epsilon: > 0, at most 100.
    :param delta: in (0, 1).
    :returns: rounded down by less than 1e-9 of itself.
    """
    low, high = 0.0, 2.0
    while gaussian_epsilon(high, delta) < epsilon:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_epsilon(middle, delta) <= epsilon else (low, middle)
    return low


def _log_phi(x: float) -> float:
    """The logarithm of the standard normal distribution function at x <= 0."""
    if x > _FAR:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2)))
    # Abramowitz and Stegun 26.2.12; the next term is below 1e-9 here.
    square = x * x
    series = 1 - 1 / square + 3 / square**2 - 15 / square**3
    return -square / 2 - math.log(-x) - 0.5 * math.log(2 * math.pi) + math.log(series)
