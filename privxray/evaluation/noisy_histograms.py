"""Figures of a model from noisy histograms of scores: ROC, AUC, sensitivity and calibration, with intervals.

Of each class there are two histograms of the patients' scores in the same bins: p of the patients of the
class, n of all others. Each number in them has Gaussian noise of variance v. A figure is a function of p
and n, and its error has two parts (docs/adr/0141):

- *sampling*: other patients would have given another figure. For the AUC this is the variance of DeLong,
  DeLong and Clarke-Pearson 1988, with ties by half, as two patients in one bin are.
- *noise*: for the AUC v times the squared length of its gradient (the delta method), and the second order,
  for it is a product of p and n.

The AUC has a normal interval from the sum of both. Sensitivity and calibration are shares; their interval
holds every share that the counts, with both parts, are within two standard deviations of.

A figure whose interval is wider than :data:`WIDEST` is not given: it would tell little and look like a
result.

Tested in tests/unit/test_noisy_histograms.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 12
"""Of the histograms of new plans, equal in the score; docs/BENCHMARKS.md says why so many."""
WIDEST = 0.2
"""The widest interval of a figure that is shown: from 0.80 to 1.00, for instance."""
SPECIFICITY = 0.9
"""At which sensitivity is given."""
_Z = 1.959964
"""Of a normal distribution, 95 % lies within so many standard deviations."""
_CLEARLY = 5.0
"""A number of patients below so many standard deviations of its noise is too few to divide by."""


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval, which holds sampling and noise."""

    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the interval is narrow enough for the figure to be shown."""
        return self.high - self.low <= WIDEST


@dataclass(frozen=True)
class Area(Measured):
    """An AUC.

    :ivar sampling: :ivar noise: the standard deviations of the two parts of its error.
    """

    sampling: float
    noise: float

    @classmethod
    def of(cls, value: float, sampling: float, noise: float, hidden: float = 0.0) -> Area:
        """From the two variances, with a normal interval.

        :param hidden: how much larger the figure may be than ``value`` for other reasons.
        """
        reach = _Z * math.sqrt(sampling + noise)
        low, high = max(0.0, value - reach), min(1.0, value + reach + hidden)
        return cls(min(max(value, 0.0), 1.0), low, high, math.sqrt(sampling), math.sqrt(noise))


@dataclass(frozen=True)
class Step:
    """One row of a table of calibration: patients whose score of the class is in a bin.

    :ivar low: :ivar high: the scores. :ivar patients: their noisy number.
    :ivar share: how many of them are of the class; None where there are too few patients.
    """

    low: float
    high: float
    patients: float
    share: Measured | None


@dataclass(frozen=True)
class ClassFigures:
    """What the histograms say of one class against the rest.

    :ivar positives: :ivar others: noisy numbers of patients.
    :ivar auc: :ivar sensitivity: at :data:`SPECIFICITY`; None where there are too few patients for the noise.
    :ivar roc: false and true positive rates at the edges of the bins, from (0, 0) to (1, 1); empty likewise.
    """

    label: str
    positives: float
    others: float
    auc: Area | None
    sensitivity: Measured | None
    roc: tuple[tuple[float, float], ...]
    calibration: tuple[Step, ...]


def figures_of_class(label: str, counts: Floats, edges: Sequence[float], deviation: float) -> ClassFigures:
    """The figures of one class.

    :param counts: [2, bins] the noisy histograms, of the class and of all others, by ascending score.
    :param edges: the inner edges of the bins.
    :param deviation: the standard deviation of the noise in each number; 0 for exact counts.
    """
    positives, others = (float(one) for one in counts.sum(axis=1))
    least = least_patients(deviation, counts.shape[1])
    calibration = _calibration(counts, edges, deviation)
    if min(positives, others) < least:
        return ClassFigures(label, positives, others, None, None, (), calibration)
    return ClassFigures(
        label=label,
        positives=positives,
        others=others,
        auc=auc(counts, deviation),
        sensitivity=sensitivity(counts, deviation),
        roc=_roc(counts),
        calibration=calibration,
    )


def least_patients(deviation: float, bins: int) -> float:
    """How many patients of a class, and how many others, a figure takes at least for this noise."""
    return max(_CLEARLY * deviation * math.sqrt(bins), 1.0)


def auc(counts: Floats, deviation: float) -> Area:
    """The area under the ROC curve of the binned scores; two patients in one bin count as a half.

    :param counts: as for :func:`figures_of_class`, each row with a sum above 0.
    """
    p, n = counts
    positives, others = p.sum(), n.sum()
    below = (np.cumsum(n) - n / 2) / others  # for each bin, the share of the others that score lower
    above = 1 - (np.cumsum(p) - p / 2) / positives
    value = float(p @ below / positives)
    sampling = _spread(p, below - value) + _spread(n, above - value)
    v = deviation**2
    bins = len(p)
    wins = np.tri(bins, k=-1) + np.eye(bins) / 2 - value
    first = ((below - value) ** 2).sum() / positives**2 + ((above - value) ** 2).sum() / others**2
    second = (wins**2).sum() / (positives * others) ** 2
    # The plain estimate of the first part has the second one's expectation in it twice; it is left in once.
    noise = v * first - v**2 * second
    return Area.of(value, sampling, max(noise, v**2 * second), _hidden_by_bins(bins))


def _hidden_by_bins(bins: int) -> float:
    """How much lower the AUC may be for bins that are equal in the score.

    With 12 bins .003 on simulated scores, and .001 to .011 on those of real radiographs (docs/BENCHMARKS.md).
    """
    return 0.006 * (12 / bins) ** 2


def _spread(weights: Floats, distances: Floats) -> float:
    """The variance of a mean over patients: DeLong's, where noise may have made a number of them negative."""
    total = float(weights.sum())
    return max(float(weights @ distances**2), 0.0) / total**2


def sensitivity(counts: Floats, deviation: float, specificity: float = SPECIFICITY) -> Measured:
    """The share of the class's patients above the score that ``specificity`` of the others are below.

    Within a bin the curve is straight. The threshold is itself known from noisy counts only, so the interval
    holds each share that fits the counts together with some threshold (the profile of the threshold; see
    :func:`_accepted`). The slope of the curve where the threshold happens to fall is no substitute for that:
    noise that moves the threshold moves the slope as well.
    """
    p, n = counts
    positives, others = p.sum(), n.sum()
    v = deviation**2
    below = _shares_below(len(n))
    surplus = below @ n - specificity * others  # of the others, below the threshold: none at the right one
    variance = v * ((below - specificity) ** 2).sum(axis=1) + others * specificity * (1 - specificity)
    misfit = surplus**2 / variance
    best = int(misfit.argmin())
    fitting = np.flatnonzero(misfit <= misfit[best] + _Z**2)
    tried = np.unique(np.append(fitting[:: len(fitting) // _THRESHOLDS + 1], best))
    above = 1 - below[tried]
    misses = (above @ p)[:, None] - _SHARES * positives
    spread = (above**2).sum(axis=1)[:, None] - 2 * _SHARES * above.sum(axis=1)[:, None]
    error = v * (spread + len(p) * _SHARES**2) + positives * _SHARES * (1 - _SHARES)
    profile = (misfit[tried][:, None] + misses**2 / np.maximum(error, _TINY)).min(axis=0)
    return _accepted(float((1 - below[best]) @ p / positives), profile)


_SHARES = np.linspace(0.0, 1.0, 1001)
"""Which a sensitivity, or a share in a bin, is tried for."""
_THRESHOLDS = 100
_STEPS = 100
"""Thresholds within one bin."""
_TINY = 1e-9


@cache
def _shares_below(bins: int) -> Floats:
    """For each threshold that is tried, the share of each bin that lies below it: [thresholds, bins]."""
    places = np.arange(bins * _STEPS + 1) / _STEPS
    return np.clip(places[:, None] - np.arange(bins), 0.0, 1.0)


def _accepted(value: float, misfit: Floats) -> Measured:
    """The shares whose misfit is within that of a 95 % interval of the best one's.

    :param misfit: for each of :data:`_SHARES`, the square of how many standard deviations the counts are
        from it; in the mean that of one degree of freedom for the true one (Wilks 1938).
    """
    held = _SHARES[misfit <= misfit.min() + _Z**2]
    low, high = float(held[0]), float(held[-1])
    return Measured(min(max(value, low), high), low, high)


def _roc(counts: Floats) -> tuple[tuple[float, float], ...]:
    """The curve through the edges of the bins, made to rise as a curve of exact counts does."""
    tails = np.cumsum(counts[:, ::-1], axis=1) / counts.sum(axis=1, keepdims=True)
    rising = np.clip(np.maximum.accumulate(tails, axis=1), 0.0, 1.0)
    return ((0.0, 0.0), *((float(false), float(true)) for true, false in rising.T))


def _calibration(counts: Floats, edges: Sequence[float], deviation: float) -> tuple[Step, ...]:
    ends = (0.0, *edges, 1.0)
    steps = []
    for place, (p, n) in enumerate(counts.T):
        total = float(p + n)
        share = None
        if total >= max(_CLEARLY * deviation * math.sqrt(2), 1.0):
            error = deviation**2 * (_SHARES**2 + (1 - _SHARES) ** 2) + total * _SHARES * (1 - _SHARES)
            share = _accepted(float(p) / total, (p - _SHARES * total) ** 2 / np.maximum(error, _TINY))
        steps.append(Step(ends[place], ends[place + 1], total, share))
    return tuple(steps)


def mean_auc(figures: Sequence[ClassFigures]) -> Area | None:
    """The mean over the classes; None where one of them has none.

    The noise in different classes is independent. The same patients are in all of them, so the sampling parts
    are added as if they went together.
    """
    areas = [one.auc for one in figures]
    known = [one for one in areas if one is not None]
    if not known or len(known) < len(areas):
        return None
    count = len(known)
    value = sum(one.value for one in known) / count
    bins = len(figures[0].calibration)
    sampling = (sum(one.sampling for one in known) / count) ** 2
    noise = sum(one.noise**2 for one in known) / count**2
    return Area.of(value, sampling, noise, _hidden_by_bins(bins))
