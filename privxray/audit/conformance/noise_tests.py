"""Tests of whether numbers are independent standard Gaussians. Each gives a p-value.

All but two hold exactly for every number of values, so nothing is flagged oftener for being short: sums of
squares are chi-square, means and projections are Gaussian, and the squared correlation of two independent
vectors of n values is Beta(1/2, (n - 1) / 2), because a Gaussian vector looks the same from every side.
``shape`` uses the distribution that scipy has for Kolmogorov and Smirnov's statistic, and ``repeats`` a
normal approximation, with its tail corrected for the kurtosis of products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.audit.conformance.noise_tape import Floats

_FEWEST_OVERLAPPING = 200  # values that a lag leaves, for the normal approximation


@dataclass(frozen=True)
class NoiseTest:
    """One test.

    :ivar name: what was tested.
    :ivar p: an intact engine has a value of at most ``p`` here with probability ``p`` at most.
    :ivar seen: the statistic in words.
    """

    name: str
    p: float
    seen: str


def variance(name: str, values: Floats) -> NoiseTest:
    """Whether the mean square is 1.

    :param values: [G, n] groups of n values; each is tested, and the worst counts.
    """
    from scipy.stats import chi2

    groups, size = values.shape
    sums = np.square(values).sum(axis=1)
    tails = np.minimum(chi2.cdf(sums, size), chi2.sf(sums, size))
    worst = int(np.argmin(tails))
    return NoiseTest(name, _of_many(2.0 * tails[worst], groups), f"variance {sums[worst] / size:.4g} of 1")


def mean(name: str, values: Floats) -> NoiseTest:
    """Whether independent standard Gaussians [n] have the mean 0."""
    scaled = float(values.sum() / np.sqrt(len(values)))
    return NoiseTest(name, float(_two_sided(np.array(scaled))), f"{scaled:.2f} standard errors")


def largest(name: str, values: Floats) -> NoiseTest:
    """Whether the largest magnitude of [n] values is as large as it should be: neither more nor less."""
    from scipy.stats import norm

    found = float(np.abs(values).max())
    above = -np.expm1(len(values) * np.log1p(-min(2.0 * norm.sf(found), 1.0 - 1e-16)))
    below = np.exp(len(values) * np.log1p(-min(2.0 * norm.sf(found), 1.0 - 1e-16)))
    return NoiseTest(name, min(1.0, 2.0 * float(min(above, below))), f"largest {found:.3f} deviations")


def shape(name: str, values: Floats) -> NoiseTest:
    """Whether [n] values are distributed like N(0, 1), by Kolmogorov and Smirnov's statistic."""
    from scipy.stats import kstest

    found = kstest(values, "norm")
    return NoiseTest(name, float(found.pvalue), f"distance {found.statistic:.4f}")


def correlation(name: str, rows: Floats) -> NoiseTest:
    """Whether rows [G, n] are uncorrelated: every pair is tested, and the worst counts."""
    from scipy.special import betainc

    groups, size = rows.shape
    lengths = np.sqrt(np.square(rows).sum(axis=1))
    cosines = (rows @ rows.T) / np.maximum(np.outer(lengths, lengths), 1e-300)
    upper = np.abs(cosines[np.triu_indices(groups, 1)])
    found = min(1.0, float(upper.max()))
    single = float(betainc((size - 1) / 2.0, 0.5, 1.0 - found**2)) if size > 1 else 1.0
    return NoiseTest(name, _of_many(single, len(upper)), f"correlation {found:.4f}")


def repeats(name: str, rows: Floats) -> NoiseTest:
    """Whether values repeat within a row [G, n]: the worst correlation of a row with itself, moved.

    Every distance is tried that leaves enough values, in all rows together.

    :param rows: at least some hundred values in all.
    """
    groups, size = rows.shape
    spectrum = np.fft.rfft(rows, 2 * size, axis=1)
    products = np.fft.irfft((np.abs(spectrum) ** 2).sum(axis=0), 2 * size)[1:size]
    pairs = groups * np.arange(size - 1, 0, -1.0)
    enough = pairs >= _FEWEST_OVERLAPPING
    scaled = np.abs(products[enough]) / np.sqrt(pairs[enough])
    # A product of two Gaussians has an excess kurtosis of 6: Edgeworth's leading term for the tail.
    # exp((6 / n) z^4 / 24), at most e^4: beyond that the tail is tiny either way.
    corrections = np.exp(np.minimum(4.0, scaled**4 / (4.0 * pairs[enough])))
    each = _two_sided(scaled) * corrections
    worst = int(np.argmin(each))
    return NoiseTest(name, _of_many(float(each[worst]), len(each)), f"{scaled[worst]:.2f} standard errors")


def frequency(name: str, taken: int, tries: int, rate: float) -> NoiseTest:
    """Whether ``taken`` of ``tries`` independent draws of probability ``rate`` is plausible."""
    from scipy.stats import binomtest

    return NoiseTest(name, float(binomtest(taken, tries, rate).pvalue), f"{taken} of {tries} at {rate:g}")


def evenness(name: str, counts: NDArray[np.int64], tries: int, rate: float) -> NoiseTest:
    """Whether so many of independent binomial counts are the likeliest number as should be."""
    from scipy.stats import binom

    likeliest = min(tries, int((tries + 1) * rate))
    hit = int((counts == likeliest).sum())
    found = frequency(name, hit, len(counts), float(binom.pmf(likeliest, tries, rate)))
    return NoiseTest(name, found.p, f"{hit} of {len(counts)} counts are {likeliest}")


def worst_of(name: str, tests: list[NoiseTest]) -> NoiseTest:
    """The worst of several tests as one, for which being the worst of so many is allowed for."""
    worst = min(tests, key=lambda test: test.p)
    where = f", {worst.name}" if worst.name else ""
    return NoiseTest(name, _of_many(worst.p, len(tests)), worst.seen + where)


def _two_sided(scaled: Floats) -> Floats:
    from scipy.stats import norm

    return np.asarray(2.0 * norm.sf(np.abs(scaled)))


def _of_many(p: float, number: int) -> float:
    """Bonferroni: the chance that the least of so many p-values is as small."""
    return float(min(1.0, p * number))
