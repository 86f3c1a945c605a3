"""What a method trains on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TrainingData:
    """A hospital's training patients.

    :param inputs: [N, D] float32 features, or [N, H, W] uint8 pixels.
    :param labels: [N] class numbers from 0.
    :param patients: [N] patient numbers; each of 0 .. P-1 occurs.
    There may be none: a method then answers with noise alone. A refusal would tell of the one who is missing.

    :raises ValueError: shapes or numbers that don't fit together.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    patients: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.inputs) == len(self.labels) == len(self.patients):
            raise ValueError("inputs, labels and patients differ in length")
        if (self.labels < 0).any():
            raise ValueError("class numbers start at 0")
        if not np.array_equal(np.unique(self.patients), np.arange(self.patient_count)):
            raise ValueError("each patient number from 0 to the largest has an image")

    @property
    def patient_count(self) -> int:
        """P. It stays inside the hospital."""
        return int(self.patients.max()) + 1 if len(self.patients) else 0

    def alike_under_other_labels(self) -> int:
        """How many images are number for number the same as another one that has another label.

        It is for the hospital's own screen. What happens to an image in training does not depend on it, for
        that may not depend on other patients' images. Images of zeros alone are not compared: an extractor
        gives them where it fails.
        """
        labels: dict[bytes, set[int]] = {}
        keys = [hashlib.blake2b(image.tobytes()).digest() if image.any() else b"" for image in self.inputs]
        for key, label in zip(keys, self.labels.tolist(), strict=True):
            labels.setdefault(key, set()).add(label)
        return sum(bool(key) and len(labels[key]) > 1 for key in keys)

    def one_hot(self, classes: int) -> NDArray[np.float64]:
        """[N, K] labels as unit vectors, K being ``classes``.

        :raises ValueError: a label is not one of the plan's classes.
        """
        if (self.labels >= classes).any():
            raise ValueError("a label is not a class of the plan")
        return np.eye(classes)[self.labels]
