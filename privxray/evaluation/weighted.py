"""The metrics of :mod:`privxray.learning.metrics` for many weightings of the same images at once.

``weights`` is [B, N]: how often each of N images counts in each of B sets. Each function gives [B] figures,
NaN where a set does not define one. With a row of ones the figure is the plain one, so a figure and its
replicates come from the same code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_AT_ONCE = 4_000_000  # numbers of a temporary array: 32 MB


def accuracy(probabilities: Floats, labels: NDArray[np.int64], weights: Floats) -> Floats:
    """The share of images whose most probable class is theirs."""
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    return _ratio(weights @ right, weights.sum(axis=1))


def balanced_accuracy(probabilities: Floats, labels: NDArray[np.int64], weights: Floats) -> Floats:
    """The mean recall over the classes that occur in the set."""
    tables = _confusion(probabilities, labels, weights)
    recalls = _ratio(np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2))
    seen = ~np.isnan(recalls)
    return _ratio(np.where(seen, recalls, 0.0).sum(axis=1), seen.sum(axis=1))


def mcc(probabilities: Floats, labels: NDArray[np.int64], weights: Floats) -> Floats:
    """Matthews correlation coefficient after Gorodkin 2004, equation 8; 0 where only one class is predicted.

    NaN where the set has one class only.
    """
    tables = _confusion(probabilities, labels, weights)
    total, right = tables.sum(axis=(1, 2)), np.trace(tables, axis1=1, axis2=2)
    true, predicted = tables.sum(axis=2), tables.sum(axis=1)
    above = right * total - (true * predicted).sum(axis=1)
    by_true, by_predicted = (total**2 - (one**2).sum(axis=1) for one in (true, predicted))
    below = np.sqrt(by_true * by_predicted)
    value = np.where(by_predicted > 0, _ratio(above, below), 0.0)
    return np.where(by_true > 0, value, np.nan)


def macro_auc(probabilities: Floats, labels: NDArray[np.int64], weights: Floats) -> Floats:
    """The mean over the classes of the one-vs-rest area under the ROC curve; NaN where a class lacks."""
    areas = [auc(labels == k, probabilities[:, k], weights) for k in range(probabilities.shape[1])]
    return np.asarray(np.mean(areas, axis=0))


def auc(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """The area under the ROC curve: how often a positive image scores above a negative one, ties by half."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    positives, step = positive[order], max(_AT_ONCE // len(score), 1)
    found = []
    for first in range(0, len(weights), step):
        sorted_weights = weights[first : first + step, order]
        above = np.add.reduceat(sorted_weights * positives, starts, axis=1)
        below = np.add.reduceat(sorted_weights * ~positives, starts, axis=1)
        beaten = np.cumsum(below, axis=1) - below / 2
        found.append(_ratio((above * beaten).sum(axis=1), above.sum(axis=1) * below.sum(axis=1)))
    return np.concatenate(found)


def share(chosen: NDArray[np.bool_], of: NDArray[np.bool_], weights: Floats) -> Floats:
    """The share of the images ``of`` that are ``chosen``, as sensitivity and specificity are."""
    return _ratio(weights @ (chosen & of).astype(np.float64), weights @ of.astype(np.float64))


def binned_sums(bins: NDArray[np.int64], count: int, values: Floats, weights: Floats) -> Floats:
    """[B, count] sums of weighted values by bin.

    :param bins: [N] bin numbers. :param values: [N].
    """
    return np.asarray(weights @ (np.eye(count)[bins] * values[:, None]))


def _confusion(probabilities: Floats, labels: NDArray[np.int64], weights: Floats) -> Floats:
    """[B, K, K] weights by true class and by most probable class."""
    classes = probabilities.shape[1]
    cells = labels * classes + probabilities.argmax(axis=1)
    return binned_sums(cells, classes**2, np.ones(len(labels)), weights).reshape(-1, classes, classes)


def _ratio(above: NDArray[np.generic], below: NDArray[np.generic]) -> Floats:
    """A quotient; NaN where the divisor is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.nan, np.divide(above, below))
