"""Privacy loss distributions on a grid: of one Gaussian mechanism, and of many composed by one product.

A distribution of the privacy loss belongs to a pair of neighbouring data sets: with one patient and without
(``remove``), the other way round (``add``), or with another patient in one's place (``replace``). A mechanism
is as private as its worst pair.

*One mechanism.* Its hockey-stick divergences have closed forms. "Connect the dots" turns them into masses on
the grid that are never more private than the mechanism (Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022,
"Connect the dots: tighter discrete approximations of privacy loss distributions", algorithm 1). These are
dp-accounting's own steps, taken for a whole grid at a time (docs/adr/0070).

*Many.* Losses add up, so their masses convolve, and a convolution is a product of Fourier transforms
(Koskela, Jälkö and Honkela 2020, "Computing tight differential privacy guarantees using FFT"). All
transforms are multiplied on one circular domain of M points, and the product is transformed back once. The
result is still an upper bound, for three reasons:

* A circular domain moves a sum that lies outside of it by a multiple of M, into it. Mass from below comes
  back as a higher loss, which is pessimistic. Mass from above comes back as a lower loss. Chernoff's bound
  says that this is at most ``TAIL``, and so much is added to the mass at infinity. The mass that came back
  is kept as well: a divergence is a sum of masses with weights >= 0, so surplus mass can only raise it.
* Rounding. Masses sum to at most 1, so each transform is off by at most ``eta`` = 4 u log2 M in every
  place, where u = 2^-53 (Higham 2002, "Accuracy and stability of numerical algorithms", theorem 24.2, with
  room for the multiplications that follow). A product of factors f_i ^ c_i of magnitude <= 1 is then off by
  at most eta times the sum of c_i |product| / |f_i|. By Cauchy and Schwarz and by Parseval, the masses
  together are off by at most the Euclidean norm of that over all M places. So much is added to the mass at
  infinity, too.
* What is infinite in one mechanism is infinite in all: 1 - prod (1 - w_i) ^ c_i. The closed forms are
  rounded, each by a few u, so 8 u are added for each mechanism.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

STEP = 1e-3
"""Distance of the grid's points, in privacy loss. As tight as a PRV accountant at our epsilons, and quick."""
TAIL = 1e-15
"""The most mass beyond each end of the domain: far below any delta that means something."""
LEAST_NOISE = 0.09
"""Such a noise alone has epsilon 108 at delta 1e-5. Less promises nothing and would need many more points."""
MOST_LOSS = 600.0
"""A larger loss counts as infinite: far above any epsilon that means something."""

_DEVIATIONS = 9.0  # one mechanism's noise is cut here, which leaves a tail of 1e-19
_UNIT = 2.0**-53  # u, the relative error of one rounding
_VANISHED = -100.0  # frequencies whose magnitude is below exp(-100) are left out of the product

Pair = Literal["remove", "add", "replace"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class LossDistribution:
    """A distribution of the privacy loss.

    :param lowest: the grid's first point is ``lowest * STEP``.
    :param masses: [n] >= 0; mass i is at ``(lowest + i) * STEP``.
    :param infinite: the mass at infinity, in [0, 1].
    """

    lowest: int
    masses: Array
    infinite: float

    def epsilon(self, delta: float) -> float:
        """The least epsilon >= 0 with a hockey-stick divergence of at most ``delta``; infinity if none has.

        :param delta: in (0, 1).
        """
        first = max(0, 1 - self.lowest)  # a loss of 0 or less exceeds no epsilon
        last = max(first, round(MOST_LOSS / STEP) - self.lowest)
        masses = self.masses[first:last]
        losses = STEP * (self.lowest + first + np.arange(len(masses)))
        infinite = self.infinite + float(self.masses[last:].sum())
        if infinite > delta:
            return math.inf
        if not masses.any():
            return 0.0
        # How much mass has this loss or a larger one, under each of the two data sets.
        upper = infinite + np.cumsum(masses[::-1])[::-1]
        lower = np.cumsum((masses * np.exp(-losses))[::-1])[::-1]
        # The divergence at the grid point below each loss, where all of that mass counts.
        above = np.flatnonzero(upper - np.exp(losses - STEP) * lower > delta)
        place = above[-1] if len(above) else 0
        return math.log(max(upper[place] - delta, lower[place]) / lower[place])  # never below 0


NO_PROMISE = LossDistribution(0, np.zeros(1), 1.0)
"""The losses of a mechanism that may give away everything."""


@lru_cache(maxsize=1024)  # a command asks for the same mechanism several times
def gaussian(noise: float, q: float, pair: Pair) -> LossDistribution:
    """The losses of a Gaussian mechanism that sees each patient with probability ``q``.

    :param noise: > 0, standard deviation over the sensitivity (to adding or removing one patient).
    :param q: in (0, 1]; with 1 the pairs ``remove`` and ``add`` have the same losses.
    :param pair: for ``replace``, dp-accounting's worst case of Poisson sampling is taken, without a proof of
        our own: one patient moves the answer as far as possible to one side, the other as far as possible to
        the other side. With q = 1 that is twice the sensitivity.
    :returns: ``NO_PROMISE`` where the noise is below ``LEAST_NOISE``.
    """
    if noise < LEAST_NOISE:
        return NO_PROMISE
    reach = _DEVIATIONS * noise + 1.0
    ends = _loss(np.array([-reach, reach]), noise, q, pair)
    lowest, highest = math.floor(ends.min() / STEP), math.ceil(ends.max() / STEP)
    divergences = _divergence(STEP * np.arange(lowest, highest + 1), noise, q, pair)
    divergences = np.minimum.accumulate(np.maximum(divergences, 0.0))
    # The mass at a grid point is the change of slope there, as a function of exp(epsilon).
    slopes = np.diff(divergences)
    masses = np.empty_like(divergences)
    masses[0] = 1.0 - divergences[0] + slopes[0] / math.expm1(STEP)
    masses[1:-1] = (slopes[1:] - slopes[:-1] * math.exp(STEP)) / math.expm1(STEP)
    masses[-1] = slopes[-1] / math.expm1(-STEP)
    masses = np.maximum(masses, 0.0)
    masses.flags.writeable = False
    return LossDistribution(lowest, masses, float(divergences[-1]))


def compose(parts: Sequence[tuple[LossDistribution, int]]) -> LossDistribution:
    """The losses of all ``parts`` together.

    :param parts: a mechanism, and how often it is applied, >= 1.
    :returns: ``NO_PROMISE`` where a part promises nothing, or nearly all mass lies above ``MOST_LOSS``.
    """
    if not parts:
        return LossDistribution(0, np.ones(1), 0.0)
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    if any(part.infinite >= 1.0 for part, _ in parts):
        return NO_PROMISE
    lowest, highest = _domain(parts)
    if lowest * STEP > MOST_LOSS:
        return NO_PROMISE
    points = max(highest - lowest + 1, *(len(part.masses) for part, _ in parts))
    from scipy import fft

    points = fft.next_fast_len(points, real=True)
    eta = 4.0 * _UNIT * math.log2(points)
    kept = points // 2 + 1  # the frequencies that have not vanished from the product
    product = np.ones(kept, np.complex128)
    envelope, sensitivity = np.zeros(kept), np.zeros(kept)
    for part, count in parts:
        factor = fft.rfft(part.masses, points)[:kept]
        size = np.maximum(np.abs(factor), eta)
        envelope = envelope[:kept] + count * np.log(size)
        product = product[:kept] * _power(factor, count)
        sensitivity = sensitivity[:kept] + count / size
        alive = np.flatnonzero(envelope > _VANISHED)
        if not len(alive):  # not even frequency 0, which is the finite mass
            return NO_PROMISE
        kept = 1 + int(alive[-1])
    rounding = eta * math.sqrt(2.0) * float(np.linalg.norm(np.exp(envelope) * sensitivity))
    masses = np.maximum(fft.irfft(product, points), 0.0)
    # Index 0 of the product stands for the sum of all lowest losses. Turn it, so that the domain comes first.
    start = sum(count * part.lowest for part, count in parts)
    masses = np.roll(masses, start - lowest)
    finite = math.fsum(count * math.log1p(-part.infinite) for part, count in parts)
    rounding += 8.0 * _UNIT * sum(count for _, count in parts)
    return LossDistribution(lowest, masses, min(1.0, -math.expm1(finite) + TAIL + rounding))


def _power(base: NDArray[np.complex128], exponent: int) -> NDArray[np.complex128]:
    """``base`` to the power of ``exponent``, >= 1, by squaring: ten times as fast as numpy's power.

    The relative error is at most 3 u for each unit of the exponent.
    """
    result = np.ones_like(base)
    while True:
        if exponent & 1:
            result = result * base
        exponent >>= 1
        if not exponent:
            return result
        base = base * base


def _domain(parts: Sequence[tuple[LossDistribution, int]]) -> tuple[int, int]:
    """The first and the last index of a domain that leaves out at most ``TAIL`` of the mass on each side.

    Chernoff's bound: P(sum >= b) <= exp(K(t) - t b) for every t > 0, where K is the sum of the cumulant
    generating functions. For a normal sum the best t is sqrt(2 log(1 / TAIL)) / deviation. A few values
    around it are tried.
    """
    variance = 1.0  # of the summed index; above 0 even if all mass is in one place
    for part, count in parts:
        places = np.arange(len(part.masses))
        variance += count * float(part.masses @ (places - part.masses @ places) ** 2)
    best = math.sqrt(-2.0 * math.log(TAIL) / variance)
    highest = sum(count * (part.lowest + len(part.masses) - 1) for part, count in parts)
    lowest = sum(count * part.lowest for part, count in parts)
    for factor in (0.25, 0.5, 0.75, 1.0, 1.5):
        highest = min(highest, math.ceil(_chernoff(parts, best * factor)))
        lowest = max(lowest, math.floor(_chernoff(parts, -best * factor)))
    return lowest, highest


def _chernoff(parts: Sequence[tuple[LossDistribution, int]], t: float) -> float:
    """The index beyond which the bound at ``t`` leaves ``TAIL``: above it for t > 0, below it for t < 0."""
    cumulant = math.fsum(count * _cumulant(part, t) for part, count in parts)
    return (cumulant - math.log(TAIL)) / t


def _cumulant(part: LossDistribution, t: float) -> float:
    """The logarithm of the sum of masses times exp(t index): the cumulant generating function at t."""
    places = np.flatnonzero(part.masses)
    exponents = t * (part.lowest + places)
    top = float(exponents.max())
    return top + math.log(float(part.masses[places] @ np.exp(exponents - top)))


def _loss(x: Array, noise: float, q: float, pair: Pair) -> Array:
    """The privacy loss at the answers ``x``. :func:`_divergence` has the two densities."""
    ahead, behind = (2.0 * x - 1.0) / (2.0 * noise**2), (-2.0 * x - 1.0) / (2.0 * noise**2)
    without = math.log1p(-q) if q < 1.0 else -math.inf
    seen = np.logaddexp(without, math.log(q) + ahead)
    if pair == "remove":
        return np.asarray(seen)
    if pair == "add":
        return np.asarray(-seen)
    return np.asarray(seen - np.logaddexp(without, math.log(q) + behind))


def _divergence(epsilons: Array, noise: float, q: float, pair: Pair) -> Array:
    """The hockey-stick divergence at each epsilon: the largest P(E) - exp(epsilon) P'(E) over all sets E.

    For ``remove``, P is (1 - q) N(0, noise^2) + q N(1, noise^2) and P' is N(0, noise^2). For ``add`` it is
    the other way round. For ``replace``, P is as for ``remove`` and P' is (1 - q) N(0, noise^2) + q N(-1,
    noise^2). The loss grows with the answer (for ``add`` it falls), so the best E is a half line, which
    gives a closed form.
    """
    from scipy.special import ndtr

    grown = np.exp(epsilons)
    if pair == "replace":
        x = noise**2 * (np.arcsinh(_odd(epsilons, noise, q)) + epsilons / 2.0)
        with_ = (1.0 - q) * ndtr(-x / noise) + q * ndtr((1.0 - x) / noise)
        instead = (1.0 - q) * ndtr(-x / noise) + q * ndtr((-1.0 - x) / noise)
        return np.asarray(with_ - grown * instead)
    if pair == "remove":
        excess = grown - (1.0 - q)  # q times the likelihood ratio at x; <= 0 where no x has this loss
        x = noise**2 * np.log(np.maximum(excess, 1e-300) / q) + 0.5
        inside = q * ndtr((1.0 - x) / noise) - excess * ndtr(-x / noise)
        return np.where(excess > 0.0, inside, 1.0 - grown)
    # Where no x has this loss, excess is <= 0 and x so far below that both ndtr are 0.
    excess = np.exp(-epsilons) - (1.0 - q)
    x = noise**2 * np.log(np.maximum(excess, 1e-300) / q) + 0.5
    return np.asarray(grown * (excess * ndtr(x / noise) - q * ndtr((x - 1.0) / noise)))


def _odd(epsilons: Array, noise: float, q: float) -> Array:
    """The argument of arsinh in the closed form: sinh(epsilon / 2) exp(1 / (2 noise^2)) (1 - q) / q."""
    return np.asarray(np.sinh(epsilons / 2.0) * (math.exp(0.5 / noise**2) * (1.0 - q) / q))
