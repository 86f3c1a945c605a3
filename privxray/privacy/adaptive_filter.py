"""Which histories a lifetime limit admits, when a run's terms may depend on what earlier runs published.

Composing what happened and stopping at the limit (a "natural" filter) is valid for a history that is fixed in
advance, and for Gaussian mechanisms. It is not in general: whoever chooses the next run after seeing a sum
can steer each branch to the limit, and the whole game then exceeds it. Regehr et al. 2026, "Privacy filters
are captured by residues" (arXiv 2602.15815), show that it is free only for families of mechanisms that are
totally ordered when composed. Gaussian mechanisms are; with Poisson-sampled ones beside them they are not.
arXiv 2602.06756 shows the same for trade-off curves.

So delta is split between two rules, by whether a history holds a sampled event:

* **Gaussian events alone**: the sum of mu^2 stays at or below that of one Gaussian mechanism which has the
  limit's epsilon at :data:`GAUSSIAN_SHARE` of its delta. mu^2 adds up under fully adaptive choices (Smith and
  Thakurta 2022, "Fully adaptive composition for Gaussian differential privacy").
* **With a sampled event**: the sum of Renyi divergences at one order, from the first event on, stays at or
  below what gives the limit's epsilon at the rest of delta. The order is a function of the limit alone, so
  nothing that was published can choose it (Feldman and Zrnic 2021, "Individual privacy accounting via a Renyi
  filter", theorem 4.3).

The hockey-stick divergence is a sum over transcripts, and each transcript is of one of the two kinds. The
part of either kind is at most that of a game in which its own rule holds throughout: of the game that stops
before its first sampled event, and of the game that stops before an event that its Renyi budget has no room
for. docs/adr/0072-a-valid-filter.md has the proof, and the price.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from privxray.privacy.events import Event
from privxray.privacy.gaussian_curve import gaussian_epsilon, gaussian_mu, mass
from privxray.privacy.guarantee import Guarantee, require_delta, require_epsilon

GAUSSIAN_SHARE = 0.9
"""Of delta, for histories of Gaussian events alone: it costs them 0.4 to 0.6 % of mu. A tenth for the others
costs four rounds of dp-sgd's small network at epsilon 6 a figure of 7.44; half would cost 6.90, and the
Gaussians 2.8 %."""

ORDERS = range(2, 257)
"""Renyi orders that are tried. Whole numbers, for then a sampled Gaussian's divergence is a finite sum."""

_UP = 1.0 + 1e-9
"""Rounding of the sums and of the root is far below this, and so is always on the careful side."""


@dataclass(frozen=True)
class AdaptiveFilter:
    """The rule of one lifetime limit. Get it from :func:`filter_of`.

    :ivar limit: epsilon and delta that hold for everything admitted, however it was chosen.
    :ivar order: the Renyi order of histories with a sampled event.
    """

    limit: Guarantee
    order: int

    def admits(self, events: Iterable[Event]) -> bool:
        """Whether a history with these events may stand."""
        return self.epsilon(events) <= self.limit.epsilon

    def epsilon(self, events: Iterable[Event]) -> float:
        """The least epsilon of a limit, at this delta and order, that admits these events.

        :returns: >= 0, and 0 for no events; infinity where no epsilon does.
        """
        history = tuple(events)
        if not history:
            return 0.0
        if all(event.kind == "gaussian" for event in history):
            return _UP * gaussian_epsilon(math.sqrt(mass(history)), GAUSSIAN_SHARE * self.limit.delta)
        return _UP * self._divergence(history) + _conversion(self.order, self._rest)

    def room(self, events: Iterable[Event]) -> float:
        """The mu of the one further run of Gaussian noise that takes all that is left after these events.

        :returns: 0 where nothing is left. It is rounded down by less than 1e-8 of itself.
        """
        history = tuple(events)
        if all(event.kind == "gaussian" for event in history):
            most = gaussian_mu(self.limit.epsilon / _UP, GAUSSIAN_SHARE * self.limit.delta)
            return math.sqrt(max(0.0, most * most - mass(history)))
        left = (self.limit.epsilon - _conversion(self.order, self._rest)) / _UP - self._divergence(history)
        return math.sqrt(max(0.0, 2.0 * left / self.order))

    def _divergence(self, history: Iterable[Event]) -> float:
        return math.fsum(event.count * renyi_divergence(event, self.order) for event in history)

    @property
    def _rest(self) -> float:
        """Of delta, what is for histories with a sampled event."""
        return (1.0 - GAUSSIAN_SHARE) * self.limit.delta


@cache
def filter_of(limit: Guarantee) -> AdaptiveFilter:
    """The filter of a lifetime limit. It depends on the limit's two numbers and on nothing else.

    The order is the one under which the most Gaussian noise fits: 4 for epsilon 10 at delta 1e-5.

    :raises UsageError: epsilon or delta out of range.
    """
    require_epsilon(limit.epsilon)
    require_delta(limit.delta)
    rest = (1.0 - GAUSSIAN_SHARE) * limit.delta
    order = max(ORDERS, key=lambda order: (limit.epsilon - _conversion(order, rest)) / order)
    return AdaptiveFilter(limit, order)


def renyi_divergence(event: Event, order: int) -> float:
    """The Renyi divergence of one step of an event, the larger of both directions.

    For a sampled Gaussian it is that of the mixture from the plain one (Mironov, Talwar and Zhang 2019,
    "Renyi differential privacy of the sampled Gaussian mechanism", sections 3.2 and 3.3):
    log(sum over k of C(a, k) (1 - q)^(a - k) q^k exp((k^2 - k) / (2 s^2))) / (a - 1).

    :param order: a >= 2.
    """
    if event.kind == "gaussian":
        return order / (2.0 * event.noise**2)
    terms = [
        math.log(math.comb(order, k))
        + (order - k) * math.log1p(-event.q)
        + k * math.log(event.q)
        + (k * k - k) / (2.0 * event.noise**2)
        for k in range(order + 1)
    ]
    top = max(terms)
    return max(0.0, top + math.log(math.fsum(math.exp(term - top) for term in terms))) / (order - 1)


def _conversion(order: int, delta: float) -> float:
    """What epsilon exceeds a Renyi divergence by (Canonne, Kamath and Steinke 2020, proposition 12)."""
    return (-math.log(delta) - math.log(order - 1) + order * math.log1p(-1.0 / order)) / (order - 1)
