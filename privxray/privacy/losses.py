"""Privacy loss distributions on a grid: of one Gaussian mechanism, and of many, composed by one product.

A distribution of the privacy loss stands for a pair of neighbouring data sets: with one patient and without
(``remove``), the other way round (``add``), or with another patient in one's place (``replace``). A mechanism
is as private as the worst pair.

*One mechanism.* The hockey-stick divergences are closed forms; "connect the dots" turns them into masses on
the grid that are never more private than the mechanism (Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022,
"Connect the dots: tighter discrete approximations of privacy loss distributions", algorithm 1). These are
dp-accounting's own steps, taken for a whole grid at a time (docs/adr/0070).

*Many.* Losses add up, so masses convolve, and a convolution is a product of Fourier transforms (Koskela,
Jälkö and Honkela 2020, "Computing tight differential privacy guarantees using FFT"). All are multiplied in
one circular domain of M points and transformed back once. That stays an upper bound, by three arguments:

* A circular domain shifts a sum that lies outside of it by a multiple of M into it. Mass from below comes
  back as a higher loss, which is pessimistic. Mass from above comes back as a lower one; Chernoff's bound
  says that it is at most ``TAIL``, and so much is added to the mass at infinity. What came back stays as
  well: surplus mass can only raise a divergence, for it is a sum of masses with weights >= 0.
* Rounding: each transform is off by at most ``eta`` = 4 u log2 M (u = 2^-53) in every place, since masses sum
  to at most 1 (Higham 2002, "Accuracy and stability of numerical algorithms", theorem 24.2, with room for the
  multiplications that follow). A product of factors f_i ^ c_i of magnitude <= 1 is then off by at most eta *
  sum of c_i |product| / |f_i|, and the masses together, by Cauchy and Schwarz and Parseval, by at most the
  Euclidean norm of that over all M places. So much is added to the mass at infinity, too.
* What is infinite in one mechanism is infinite in all: 1 - prod (1 - w_i) ^ c_i. The closed forms are rounded
  too, each by a few u; 8 u a mechanism are added likewise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

STEP = 1e-3  # of the privacy loss; as tight as a PRV accountant at our epsilons, and quick
TAIL = 1e-15  # mass beyond each end of the domain; far below any delta that means something
LEAST_NOISE = 0.09  # alone it has epsilon 108 at delta 1e-5; what is below is not worth its points
MOST_LOSS = 600.0  # what is above counts as infinite: far above any epsilon that means something

_DEVIATIONS = 9.0  # where one mechanism's noise is cut: a tail of 1e-19
_UNIT = 2.0**-53
_VANISHED = -100.0  # logarithm of the magnitude below which a frequency is left out of the product

Pair = Literal["remove", "add", "replace"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Losses:
    """Masses at ``(lowest + i) * STEP`` for i = 0, 1, ..., shape [n], and the mass at infinity."""

    lowest: int
    masses: Array
    infinite: float

    def epsilon(self, delta: float) -> float:
        """The least epsilon >= 0 whose hockey-stick divergence is at most ``delta``; infinity if none is."""
        first = max(0, 1 - self.lowest)  # losses up to 0 are below any epsilon
        last = max(first, round(MOST_LOSS / STEP) - self.lowest)
        masses = self.masses[first:last]
        losses = STEP * (self.lowest + first + np.arange(len(masses)))
        infinite = self.infinite + float(self.masses[last:].sum())
        if infinite > delta:
            return math.inf
        # What lies at a loss or above it, under either of the two data sets.
        upper = infinite + np.cumsum(masses[::-1])[::-1]
        lower = np.cumsum((masses * np.exp(-losses))[::-1])[::-1]
        if not len(masses) or upper[0] - lower[0] <= delta:
            return 0.0
        # The divergence at the grid point below each loss, where all of that counts.
        above = np.flatnonzero(upper - np.exp(losses - STEP) * lower > delta)
        place = above[-1] if len(above) else 0
        return math.log((upper[place] - delta) / lower[place])


NO_PROMISE = Losses(0, np.zeros(1), 1.0)
"""The losses of what may tell everything."""


@lru_cache(maxsize=1024)  # a command asks for the same mechanism several times
def gaussian(noise: float, q: float, pair: Pair) -> Losses:
    """The losses of a Gaussian mechanism that sees each patient with probability ``q``.

    :param noise: standard deviation over sensitivity (to adding or removing one patient); below
        ``LEAST_NOISE`` nothing is promised.
    :param q: in (0, 1]; with 1 the pairs ``remove`` and ``add`` have the same losses.
    :param pair: ``replace`` is dp-accounting's worst case of Poisson sampling, taken over and not proven
        here: the one patient pulls the answer as far as possible to one side, the other as far to the other.
        With q = 1 it is twice the sensitivity.
    """
    if noise < LEAST_NOISE:
        return NO_PROMISE
    reach = _DEVIATIONS * noise + 1.0
    ends = _loss(np.array([-reach, reach]), noise, q, pair)
    lowest, highest = math.floor(ends.min() / STEP), math.ceil(ends.max() / STEP)
    divergences = np.clip(_divergence(STEP * np.arange(lowest, highest + 1), noise, q, pair), 0.0, 1.0)
    divergences = np.minimum.accumulate(divergences)
    # Mass at grid point i: the change of slope there, in terms of exp(epsilon).
    slopes = np.diff(divergences)
    masses = np.empty_like(divergences)
    masses[0] = 1.0 - divergences[0] + slopes[0] / math.expm1(STEP)
    masses[1:-1] = (slopes[1:] - slopes[:-1] * math.exp(STEP)) / math.expm1(STEP)
    masses[-1] = slopes[-1] / math.expm1(-STEP)
    masses = np.maximum(masses, 0.0)
    masses.flags.writeable = False
    return Losses(lowest, masses, float(divergences[-1]))


def compose(parts: Sequence[tuple[Losses, int]]) -> Losses:
    """The losses of all ``parts`` together, each as many times as its number says.

    Nothing is promised where all but a tail lies above ``MOST_LOSS``.
    """
    if not parts:
        return Losses(0, np.ones(1), 0.0)
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
    kept = points // 2 + 1  # frequencies above have vanished from the product
    product = np.ones(kept, np.complex128)
    envelope, sensitivity = np.zeros(kept), np.zeros(kept)
    for part, count in parts:
        factor = fft.rfft(part.masses, points)[:kept]
        size = np.maximum(np.abs(factor), eta)
        envelope = envelope[:kept] + count * np.log(size)
        product = product[:kept] * _power(factor, count)
        sensitivity = sensitivity[:kept] + count / size
        alive = np.flatnonzero(envelope > _VANISHED)
        if not len(alive):  # frequency 0 is the mass that is finite
            return NO_PROMISE
        kept = 1 + int(alive[-1])
    rounding = eta * math.sqrt(2.0) * float(np.linalg.norm(np.exp(envelope) * sensitivity))
    masses = np.maximum(fft.irfft(product, points), 0.0)
    # Index 0 of the product is the sum of all lowest losses; turn it so that the domain begins at its own.
    start = sum(count * part.lowest for part, count in parts)
    masses = np.roll(masses, start - lowest)
    finite = math.fsum(count * math.log1p(-part.infinite) for part, count in parts)
    rounding += 8.0 * _UNIT * sum(count for _, count in parts)
    return Losses(lowest, masses, min(1.0, -math.expm1(finite) + TAIL + rounding))


def _power(base: NDArray[np.complex128], exponent: int) -> NDArray[np.complex128]:
    """By squaring, ten times faster than numpy's power. Relative errors add up to 3 u an exponent at most."""
    result = np.ones_like(base)
    while True:
        if exponent & 1:
            result = result * base
        exponent >>= 1
        if not exponent:
            return result
        base = base * base


def _domain(parts: Sequence[tuple[Losses, int]]) -> tuple[int, int]:
    """The first and the last index of a domain outside of which lies at most ``TAIL`` of the mass, each side.

    Chernoff: P(sum >= b) <= exp(K(t) - t b) for every t > 0, K the sum of the cumulant generating functions.
    The best t would be about sqrt(2 log(1 / TAIL)) / deviation for a normal sum; a few around it are tried.
    """
    variance = 1.0  # of an index; more than 0 where all mass is in one place
    for part, count in parts:
        places = np.arange(len(part.masses))
        variance += count * float(part.masses @ (places - part.masses @ places) ** 2)
    best = math.sqrt(-2.0 * math.log(TAIL) / variance)
    highest = sum(count * (part.lowest + len(part.masses) - 1) for part, count in parts)
    lowest = sum(count * part.lowest for part, count in parts)
    for factor in (0.25, 0.5, 0.75, 1.0, 1.5):
        for t in (best * factor, -best * factor):
            cumulant = math.fsum(count * _cumulant(part, t) for part, count in parts)
            bound = (cumulant - math.log(TAIL)) / t
            if t > 0:
                highest = min(highest, math.ceil(bound))
            else:
                lowest = max(lowest, math.floor(bound))
    return lowest, highest


def _cumulant(part: Losses, t: float) -> float:
    """log sum of masses exp(t index)."""
    places = np.flatnonzero(part.masses)
    exponents = t * (part.lowest + places)
    top = float(exponents.max())
    return top + math.log(float(part.masses[places] @ np.exp(exponents - top)))


def _loss(x: Array, noise: float, q: float, pair: Pair) -> Array:
    """The privacy loss at the answers ``x``; see :func:`_divergence` for the two densities."""
    ahead, behind = (2.0 * x - 1.0) / (2.0 * noise**2), (-2.0 * x - 1.0) / (2.0 * noise**2)
    without = math.log1p(-q) if q < 1.0 else -math.inf
    seen = np.logaddexp(without, math.log(q) + ahead)
    if pair == "remove":
        return np.asarray(seen)
    if pair == "add":
        return np.asarray(-seen)
    return np.asarray(seen - np.logaddexp(without, math.log(q) + behind))


def _divergence(epsilons: Array, noise: float, q: float, pair: Pair) -> Array:
    """sup over events E of P(E) - exp(epsilon) P'(E), in closed form, at each epsilon.

    P is (1 - q) N(0, noise^2) + q N(1, noise^2) and P' is N(0, noise^2) for ``remove``, the other way round
    for ``add``; for ``replace`` P' is (1 - q) N(0, noise^2) + q N(-1, noise^2). The loss grows with the
    answer (for ``add`` it falls), so the best event is a half line.
    """
    from scipy.special import ndtr

    grown = np.exp(epsilons)
    if pair == "replace":
        x = noise**2 * (np.arcsinh(_odd(epsilons, noise, q)) + epsilons / 2.0)
        with_ = (1.0 - q) * ndtr(-x / noise) + q * ndtr((1.0 - x) / noise)
        instead = (1.0 - q) * ndtr(-x / noise) + q * ndtr((-1.0 - x) / noise)
        return np.asarray(with_ - grown * instead)
    if pair == "remove":
        excess = grown - (1.0 - q)  # q times the likelihood ratio at x; at most 0 where no x has this loss
        x = noise**2 * np.log(np.maximum(excess, 1e-300) / q) + 0.5
        inside = q * ndtr((1.0 - x) / noise) - excess * ndtr(-x / noise)
        return np.where(excess > 0.0, inside, 1.0 - grown)
    excess = np.exp(-epsilons) - (1.0 - q)
    x = noise**2 * np.log(np.maximum(excess, 1e-300) / q) + 0.5
    inside = grown * (excess * ndtr(x / noise) - q * ndtr((x - 1.0) / noise))
    return np.where(excess > 0.0, inside, 0.0)


def _odd(epsilons: Array, noise: float, q: float) -> Array:
    """sinh(epsilon / 2) exp(1 / (2 noise^2)) (1 - q) / q, the argument of arsinh."""
    return np.asarray(np.sinh(epsilons / 2.0) * (math.exp(0.5 / noise**2) * (1.0 - q) / q))
