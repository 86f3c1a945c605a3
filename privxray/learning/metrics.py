"""How good a model's probabilities are. The figures are about patients, and stay in the hospital."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def scores(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]
) -> dict[str, float | None]:
    """All four metrics by their names; None where the images do not allow one.

    :param probabilities: [N, K]. One-vs-rest AUC of raw logits would be .03 to .04 too low.
    :param labels: [N] class numbers.
    :param classes: the K names of the classes.
    """
    return {
        "macro_auc": macro_auc(probabilities, labels),
        "balanced_accuracy": balanced_accuracy(probabilities, labels),
        "mcc": mcc(probabilities, labels),
        "pneumonia_auc": pneumonia_auc(probabilities, labels, classes),
    }


def macro_auc(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """The mean over the classes of the one-vs-rest area under the ROC curve, in [0, 1].

    None if a class has no image, or has them all. The same as scikit-learn's ``roc_auc_score`` with
    ``multi_class="ovr"`` and ``average="macro"``.
    """
    areas = [_auc(labels == k, probabilities[:, k]) for k in range(probabilities.shape[1])]
    present = [area for area in areas if area is not None]
    return float(np.mean(present)) if len(present) == len(areas) else None


def balanced_accuracy(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """The mean recall over the classes that occur, in [0, 1]; None without images."""
    if not len(labels):
        return None
    right = probabilities.argmax(axis=1) == labels
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))


def mcc(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Matthews correlation coefficient of the most probable class, in [-1, 1].

    None if fewer than two classes occur. For K classes after Gorodkin 2004, "Comparing two K-category
    assignments by a K-category correlation coefficient", equation 8.
    """
    from sklearn.metrics import matthews_corrcoef

    if len(np.unique(labels)) < 2:
        return None
    return float(matthews_corrcoef(labels, probabilities.argmax(axis=1)))


def pneumonia_auc(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]
) -> float | None:
    """The area under the ROC curve of 1 - P(normal), in [0, 1].

    None if the plan has no class ``normal``, or all images, or none, are of it.
    """
    if "normal" not in classes:
        return None
    normal = list(classes).index("normal")
    return _auc(labels != normal, 1.0 - probabilities[:, normal])


def _auc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float | None:
    """The area under the ROC curve; None if all images are positive, or none is."""
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, score))
