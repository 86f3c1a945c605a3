"""The whole evaluation of one model on one split of held-out patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.evaluation import weighted
from privxray.evaluation.calibration import BINS, Bin, calibration_error, reliability
from privxray.evaluation.resampling import Estimate, Floats, estimate, resampled_weights
from privxray.evaluation.threshold import fixed_threshold
from privxray.steps import step

SMALL_GROUP = 30
"""Patients; below that a group's figure is remarked on."""
NORMAL = "normal"
Metric = Callable[[Floats, NDArray[np.int64], Floats], Floats]
"""Probabilities, labels and weights give a figure for each row of weights."""
METRICS: Mapping[str, Metric] = {
    "macro_auc": weighted.macro_auc,
    "balanced_accuracy": weighted.balanced_accuracy,
    "mcc": weighted.mcc,
    "accuracy": weighted.accuracy,
}


@dataclass(frozen=True)
class Predictions:
    """A model's probabilities on one split.

    :ivar probabilities: [N, K]. :ivar labels: [N] class numbers.
    :ivar patients: [N] patient numbers; each of 0 .. P-1 occurs.
    """

    probabilities: Floats
    labels: NDArray[np.int64]
    patients: NDArray[np.int64]
    classes: Sequence[str]

    def ill(self) -> tuple[NDArray[np.bool_], Floats] | None:
        """Which images are not normal, and how probable the model finds that; None without that class."""
        if NORMAL not in self.classes:
            return None
        normal = list(self.classes).index(NORMAL)
        return self.labels != normal, 1.0 - self.probabilities[:, normal]


@dataclass(frozen=True)
class ClassCount:
    """How many images and patients of a class there are, and how many images were recognised."""

    label: str
    patients: int
    images: int
    right: int


@dataclass(frozen=True)
class OperatingPoint:
    """Pneumonia against normal at one threshold, with the images behind each share.

    :ivar same_patients: the threshold was fixed on these very patients, so the figures are a little too good.
    """

    threshold: float
    sensitivity: Estimate
    ill: int
    found: int
    specificity: Estimate
    healthy: int
    passed: int
    same_patients: bool


@dataclass(frozen=True)
class Group:
    """Macro AUC of a group of patients. ``small`` is set where there are few of them."""

    name: str
    patients: int
    images: int
    macro_auc: Estimate
    small: bool


@dataclass(frozen=True)
class Evaluation:
    """What is known of a model on held-out patients.

    :ivar metrics: by name: ``macro_auc``, ``balanced_accuracy``, ``mcc``, ``accuracy``, ``pneumonia_auc``.
    :ivar calibration_error: with :data:`~privxray.evaluation.calibration.BINS` bins, which ``reliability``
        lists.
    :ivar pneumonia: None where no class is called normal or the threshold has nothing to be fixed on.
    """

    patients: int
    images: int
    classes: tuple[ClassCount, ...]
    metrics: Mapping[str, Estimate]
    calibration_error: Estimate
    reliability: tuple[Bin, ...]
    pneumonia: OperatingPoint | None
    groups: tuple[Group, ...] = ()


def evaluated(
    seen: Predictions,
    fixed_on: Predictions | None = None,
    groups: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Evaluation:
    """Evaluate predictions.

    :param fixed_on: those on which the threshold is fixed; None where it is fixed on the same ones.
    :param groups: by name, which images belong to a group of patients: [N].
    """
    weights = resampled_weights(seen.patients)
    return Evaluation(
        patients=int(seen.patients.max()) + 1,
        images=len(seen.labels),
        classes=tuple(_count(seen, k) for k in range(len(seen.classes))),
        metrics=estimates(seen, weights),
        calibration_error=_with_interval(
            lambda w: calibration_error(seen.probabilities, seen.labels, w, BINS), weights
        ),
        reliability=reliability(seen.probabilities, seen.labels),
        pneumonia=_operating_point(seen, fixed_on, weights),
        groups=tuple(_group(seen, name, inside) for name, inside in (groups or {}).items()),
    )


def estimates(seen: Predictions, weights: Floats) -> dict[str, Estimate]:
    """The metrics with their intervals.

    :param weights: [B, N], see :func:`~privxray.evaluation.resampling.resampled_weights`.
    """
    found = {}
    with step("Drawing patients anew") as tick:
        for number, (name, metric) in enumerate(METRICS.items(), 1):
            found[name] = _of(metric, seen, weights)
            tick(number, len(METRICS))
    ill = seen.ill()
    if ill is not None:
        positive, score = ill
        found["pneumonia_auc"] = _with_interval(lambda w: weighted.auc(positive, score, w), weights)
    return found


def _of(
    metric: Callable[[Floats, NDArray[np.int64], Floats], Floats], seen: Predictions, weights: Floats
) -> Estimate:
    return _with_interval(lambda w: metric(seen.probabilities, seen.labels, w), weights)


def _with_interval(figure: Callable[[Floats], Floats], weights: Floats) -> Estimate:
    return estimate(float(figure(np.ones((1, weights.shape[1])))[0]), figure(weights))


def _count(seen: Predictions, k: int) -> ClassCount:
    of_class = seen.labels == k
    right = int((seen.probabilities.argmax(axis=1)[of_class] == k).sum())
    return ClassCount(seen.classes[k], len(np.unique(seen.patients[of_class])), int(of_class.sum()), right)


def _operating_point(
    seen: Predictions, fixed_on: Predictions | None, weights: Floats
) -> OperatingPoint | None:
    here, there = seen.ill(), (fixed_on or seen).ill()
    threshold = fixed_threshold(*there) if there else None
    if here is None or threshold is None:
        return None
    ill, probability = here
    positive = probability >= threshold
    return OperatingPoint(
        threshold,
        _with_interval(lambda w: weighted.share(positive, ill, w), weights),
        int(ill.sum()),
        int((positive & ill).sum()),
        _with_interval(lambda w: weighted.share(~positive, ~ill, w), weights),
        int((~ill).sum()),
        int((~positive & ~ill).sum()),
        fixed_on is None,
    )


def _group(seen: Predictions, name: str, inside: NDArray[np.bool_]) -> Group:
    _, patients = np.unique(seen.patients[inside], return_inverse=True)
    part = Predictions(seen.probabilities[inside], seen.labels[inside], patients, seen.classes)
    auc = _of(weighted.macro_auc, part, resampled_weights(part.patients))
    number = int(patients.max()) + 1
    return Group(name, number, len(part.labels), auc, number < SMALL_GROUP)
