"""ROC curves one against the rest with bands, and the table of who was taken for whom.

The band is that of the bootstrap over patients (:mod:`privxray.evaluation.resampling`): of the curves of the
drawn sets, the middle 95 % at each false positive rate by itself (vertical averaging; Fawcett 2006, "An
introduction to ROC analysis", section 8).

Tested in tests/unit/test_evaluation_curves.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.evaluation import weighted
from privxray.evaluation.held_out import Predictions
from privxray.evaluation.resampling import CONFIDENCE, Estimate, Floats, estimate, resampled_weights
from privxray.steps import step

GRID = np.linspace(0.0, 1.0, 101)
"""The false positive rates at which a curve is given."""
DRAWN = 400
"""Sets of patients that are drawn for a band."""


@dataclass(frozen=True)
class RocCurve:
    """One class against the rest.

    :ivar true_rates: at each of :data:`GRID`. :ivar low: :ivar high: the band; None where too few of the
        drawn sets have both an image of the class and one of another.
    """

    label: str
    true_rates: Floats
    low: Floats | None
    high: Floats | None
    area: Estimate


def roc_curves(seen: Predictions) -> list[RocCurve]:
    """A curve for each class that has an image, and of which not all are."""
    weights = resampled_weights(seen.patients, DRAWN)
    curves = []
    with step("Drawing curves") as tick:
        for number, label in enumerate(seen.classes):
            positive = seen.labels == number
            if 0 < positive.sum() < len(positive):
                curves.append(_curve(label, positive, seen.probabilities[:, number], weights))
            tick(number + 1, len(seen.classes))
    return curves


def confusion(seen: Predictions) -> list[list[int]]:
    """[K][K] how many images of each true class (rows) were taken for each class (columns)."""
    classes = len(seen.classes)
    cells = seen.labels * classes + seen.probabilities.argmax(axis=1)
    table = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    return [[int(number) for number in row] for row in table]


def _curve(label: str, positive: NDArray[np.bool_], score: Floats, weights: Floats) -> RocCurve:
    ones = np.ones((1, len(positive)))
    plain = _true_rates(positive, score, ones)[0]
    drawn = _true_rates(positive, score, weights)
    defined = drawn[~np.isnan(drawn).any(axis=1)]
    low = high = None
    if len(defined) >= 0.9 * DRAWN:
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(defined, [tail, 1 - tail], axis=0)
    area = float(weighted.auc(positive, score, ones)[0])
    areas = weighted.auc(positive, score, weights)
    return RocCurve(label, plain, low, high, estimate(area, areas))


def _true_rates(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """[B, G] true positive rates at :data:`GRID`; between two thresholds the curve is straight.

    :param weights: [B, N]. A row is NaN where a set lacks one of the two kinds.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(score[order]) < 0, True])  # the last image above each threshold
    sorted_weights, positives = weights[:, order], positive[order]
    found = np.full((len(weights), len(GRID)), np.nan)
    for place, one in enumerate(sorted_weights):
        true = np.r_[0.0, np.cumsum(one * positives)[ends]]
        false = np.r_[0.0, np.cumsum(one * ~positives)[ends]]
        if true[-1] and false[-1]:
            found[place] = _at_grid(false / false[-1], true / true[-1])
    return found


def _at_grid(false: Floats, true: Floats) -> Floats:
    """The curve at each of :data:`GRID`; where it goes straight up, its upper end."""
    before = np.searchsorted(false, GRID, side="right") - 1
    after = np.minimum(before + 1, len(false) - 1)
    step = false[after] - false[before]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(step > 0, (GRID - false[before]) / step, 0.0)
    return np.asarray(true[before] + share * (true[after] - true[before]))


def telling_images(seen: Predictions, count: int) -> dict[str, Sequence[int]]:
    """Images to look at, at most ``count`` of each kind, each of another patient: their places in the split.

    :returns: ``right`` and ``wrong``, the most certain first, and ``uncertain``: those whose two most
        probable classes are closest together.
    """
    ordered = np.sort(seen.probabilities, axis=1)
    sure, apart = ordered[:, -1], ordered[:, -1] - ordered[:, -2]
    right = seen.probabilities.argmax(axis=1) == seen.labels
    return {
        "right": _first(np.argsort(-sure, kind="stable"), right, seen, count),
        "wrong": _first(np.argsort(-sure, kind="stable"), ~right, seen, count),
        "uncertain": _first(np.argsort(apart, kind="stable"), np.ones(len(right), bool), seen, count),
    }


def _first(order: NDArray[np.int64], fit: NDArray[np.bool_], seen: Predictions, count: int) -> list[int]:
    chosen: dict[int, int] = {}
    for place in order[fit[order]].tolist():
        if len(chosen) == count:
            break
        chosen.setdefault(int(seen.patients[place]), place)
    return list(chosen.values())
