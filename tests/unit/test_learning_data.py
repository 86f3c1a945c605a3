"""Training data fit together, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from refusals import refused

from privxray.errors import RefusedError
from privxray.learning.data import TrainingData

ONE = np.zeros(1, np.int64)


def test_no_patient_is_refused_and_one_is_enough() -> None:
    none = np.zeros(0, np.int64)
    with refused(RefusedError, "train.no-patient"):
        TrainingData(np.zeros((0, 4), np.float32), none, none)
    assert TrainingData(np.zeros((1, 4), np.float32), ONE, ONE).patient_count == 1


@pytest.mark.parametrize(
    ("inputs", "labels", "patients", "says"),
    [
        (2, ONE, ONE, "differ in length"),
        (1, np.zeros(2, np.int64), ONE, "differ in length"),
        (1, ONE, np.zeros(2, np.int64), "differ in length"),
        (1, ONE - 1, ONE, "class numbers start at 0"),
        (1, ONE, ONE + 1, "each patient number"),
        (2, np.array([0, 0]), np.array([0, 2]), "each patient number"),
        (2, np.array([0, 0]), np.array([0, -1]), "each patient number"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    inputs: int, labels: NDArray[np.int64], patients: NDArray[np.int64], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        TrainingData(np.zeros((inputs, 4)), labels, patients)


def test_labels_as_unit_vectors() -> None:
    data = TrainingData(np.zeros((3, 4)), np.array([0, 2, 1]), np.array([1, 0, 1]))
    assert data.patient_count == 2
    assert data.one_hot(4).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]
    assert data.one_hot(3).shape == (3, 3)
    with pytest.raises(ValueError, match="not a class of the plan"):
        data.one_hot(2)


def test_images_that_are_alike_under_several_labels_are_counted_and_empty_ones_are_not() -> None:
    a, b, empty = np.full(4, 7, np.uint8), np.array([7, 7, 7, 8], np.uint8), np.zeros(4, np.uint8)
    inputs, labels = np.stack([a, a, b, a, b, empty, empty]), np.array([0, 1, 2, 0, 2, 0, 1])
    data = TrainingData(inputs, labels, np.array([0, 1, 2, 3, 4, 5, 6]))
    assert data.alike_under_other_labels() == 3
    assert TrainingData(inputs[2:], labels[2:], np.arange(5)).alike_under_other_labels() == 0
    assert (
        TrainingData(inputs.astype(np.float32), labels, np.zeros(7, np.int64)).alike_under_other_labels() == 3
    )
