"""How good a model's probabilities are. These figures are about patients and stay in the hospital."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def scores(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]
) -> dict[str, float | None]:
    """All four metrics by name; see each. None where the images do not allow one.

    :param probabilities: [N, K]; one-vs-rest AUC on raw logits would read .03 to .04 too low.
    :param labels: [N] class numbers.
    """
    return {
        "macro_auc": macro_auc(probabilities, labels),
        "balanced_accuracy": balanced_accuracy(probabilities, labels),
        "mcc": mcc(probabilities, labels),
        "pneumonia_auc": pneumonia_auc(probabilities, labels, classes),
    }


def macro_auc(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Mean over the classes of the one-vs-rest area under the ROC curve; None if a class is absent."""
    areas = [_auc(labels == k, probabilities[:, k]) for k in range(probabilities.shape[1])]
    present = [area for area in areas if area is not None]
    return float(np.mean(present)) if len(present) == len(areas) else None


def balanced_accuracy(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Mean recall over the classes that occur; None without images."""
    if not len(labels):
        return None
    right = probabilities.argmax(axis=1) == labels
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))


def mcc(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Matthews correlation coefficient of the most probable class; None if fewer than two classes occur."""
    from sklearn.metrics import matthews_corrcoef

    if len(np.unique(labels)) < 2:
        return None
    return float(matthews_corrcoef(labels, probabilities.argmax(axis=1)))


def pneumonia_auc(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]
) -> float | None:
    """Area under the ROC curve of 1 - P(normal); None where ``normal``, or all else, is absent."""
    if "normal" not in classes:
        return None
    normal = list(classes).index("normal")
    return _auc(labels != normal, 1.0 - probabilities[:, normal])


def _auc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float | None:
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, score))
