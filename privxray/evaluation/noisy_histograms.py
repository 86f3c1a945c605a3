"""Figures of a model from noisy histograms of scores: ROC, AUC, sensitivity and calibration, with intervals.

Of each class there are two histograms of the patients' scores in the same bins: p of the patients of the
class, n of all others. Each number in them has Gaussian noise of variance v. A figure is a function of p
and n, and its variance has two parts, which are added (docs/adr/0141):

- *sampling*: other patients would have given another figure. For the AUC this is the variance of DeLong,
  DeLong and Clarke-Pearson 1988, with ties by half, as two patients in one bin are.
- *noise*: v times the squared length of the figure's gradient (the delta method); for the AUC also the second
  order, for it is a product of p and n.

A figure whose interval is wider than :data:`WIDEST` is not given: it would tell little and look like a
result.

Tested in tests/unit/test_noisy_histograms.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    """A figure with its 95 % interval, which holds sampling and noise; None where nothing can be said.

    :ivar sampling: :ivar noise: the standard deviations of the two parts.
    """

    value: float
    low: float
    high: float
    sampling: float
    noise: float

    @classmethod
    def of(cls, value: float, sampling: float, noise: float, hidden: float = 0.0) -> Measured:
        """From the two variances.

        :param hidden: how much larger the figure may be than ``value`` for other reasons.
        """
        reach = _Z * math.sqrt(sampling + noise)
        low, high = max(0.0, value - reach), min(1.0, value + reach + hidden)
        return cls(min(max(value, 0.0), 1.0), low, high, math.sqrt(sampling), math.sqrt(noise))

    @property
    def is_shown(self) -> bool:
        """Whether the interval is narrow enough for the figure to be shown."""
        return self.high - self.low <= WIDEST


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
    auc: Measured | None
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


def auc(counts: Floats, deviation: float) -> Measured:
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
    return Measured.of(value, sampling, max(noise, v**2 * second), _hidden_by_bins(bins))


def _hidden_by_bins(bins: int) -> float:
    """How much lower the AUC is for bins that are equal in the score; measured in docs/BENCHMARKS.md."""
    return 0.003 * (12 / bins) ** 2


def _spread(weights: Floats, distances: Floats) -> float:
    """The variance of a mean over patients: DeLong's, where noise may have made a number of them negative."""
    total = float(weights.sum())
    return max(float(weights @ distances**2), 0.0) / total**2


def sensitivity(counts: Floats, deviation: float, specificity: float = SPECIFICITY) -> Measured:
    """The share of the class's patients above the score that ``specificity`` of the others are below.

    Within a bin the curve is straight. A threshold that was chosen on patients moves with them, so the slope
    of the curve carries the others' uncertainty over.
    """
    p, n = counts
    positives, others = p.sum(), n.sum()
    reached = np.maximum.accumulate(np.cumsum(n)) / others
    place = min(int(np.searchsorted(reached, specificity)), len(n) - 1)
    before = reached[place - 1] if place else 0.0
    step = reached[place] - before
    part = min(max((specificity - before) / step, 0.0), 1.0) if step > 0 else 1.0
    value = float(1 - (p[:place].sum() + part * p[place]) / positives)
    slope = min(max(p[place] / positives / step, 0.0), _STEEPEST) if step > 0 else 0.0
    kept = min(max(value, 0.0), 1.0)
    v = deviation**2
    sampling = kept * (1 - kept) / positives + slope**2 * specificity * (1 - specificity) / others
    bins = len(p)
    own = place * kept**2 + (bins - place) * (1 - kept) ** 2
    rest = place * (1 - specificity) ** 2 + (bins - place) * specificity**2
    return Measured.of(value, sampling, v * (own / positives**2 + slope**2 * rest / others**2))


_STEEPEST = 5.0


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
            value = float(p) / total
            kept = min(max(value, 0.0), 1.0)
            noise = deviation**2 * (kept**2 + (1 - kept) ** 2) / total**2
            share = Measured.of(value, kept * (1 - kept) / total, noise)
        steps.append(Step(ends[place], ends[place + 1], total, share))
    return tuple(steps)


def mean_auc(figures: Sequence[ClassFigures]) -> Measured | None:
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
    return Measured.of(value, sampling, noise, _hidden_by_bins(bins))
