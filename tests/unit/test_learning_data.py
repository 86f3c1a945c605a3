"""Training data fit together, or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from privxray.learning import methods
from privxray.learning.data import TrainingData
from privxray.learning.interface import Drawing, Task
from privxray.privacy.noise import SecureNoise
from privxray.privacy.releases import ReleaseStore

ONE = np.zeros(1, np.int64)


def test_there_may_be_no_patient() -> None:
    """A refusal would tell of the one who is missing."""
    none = np.zeros(0, np.int64)
    empty = TrainingData(np.zeros((0, 4), np.float32), none, none)
    assert (empty.patient_count, empty.one_hot(3).shape) == (0, (0, 3))
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


@pytest.mark.parametrize(
    ("method", "constants", "inputs"),
    [
        ("linear-probe", {"feature_dim": 5, "steps": 3}, np.zeros((0, 5), np.float32)),
        (
            "dp-sgd",
            {"image_size": 16, "steps": 2, "sampling_rate": 0.5},
            np.zeros((0, 16, 16), np.uint8),
        ),
        ("dp-sgd", {"steps": 2}, np.zeros((0, 3840), np.float32)),
    ],
)
def test_each_method_trains_on_no_patient_and_answers_with_noise_alone(
    tmp_path: Path, method: str, constants: dict[str, Any], inputs: NDArray[Any]
) -> None:
    none, made = np.zeros(0, np.int64), methods.get(method)
    chosen = made.new_constants(constants)
    classes = ["normal", "bacteria", "virus"]
    task = Task(chosen, classes, made.starting_model(chosen, classes))
    store = ReleaseStore(tmp_path / "run", bytes(32))
    vector = made.train(TrainingData(inputs, none, none), task, Drawing(1.0, SecureNoise(), store))
    for spec in made.manifest(chosen, classes):
        assert vector[spec.name].shape == spec.shape
        assert np.isfinite(vector[spec.name]).all()
    assert vector[made.manifest(chosen, classes)[0].name].any()
