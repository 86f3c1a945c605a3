"""A model that is far worse than another one is told, and one that moves by chance is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from privxray.evaluation.held_out import Predictions
from privxray.evaluation.spoilt import figures, worse_than_before, worse_than_own

CLASSES = ("normal", "bacteria", "virus")


def predictions(
    sharpness: float, seed: int = 0, patients: int = 120, bias: tuple[float, ...] = (0, 0, 0)
) -> Predictions:
    rng = np.random.default_rng(seed)
    labels: NDArray[np.int64] = np.arange(2 * patients) // 2 % 3
    logits = sharpness * np.eye(3)[labels] + rng.normal(0, 1, (len(labels), 3)) + np.array(bias)
    raised = np.exp(logits)
    return Predictions(
        raised / raised.sum(axis=1, keepdims=True), labels, np.arange(len(labels)) // 2, CLASSES
    )


GOOD = predictions(2.0)


def test_a_model_that_is_as_good_raises_no_alarm() -> None:
    for seed in range(5):
        again = predictions(2.0, seed)
        assert list(worse_than_before(again, GOOD)) == []
        assert list(worse_than_own(again, figures(GOOD))) == []
    assert list(worse_than_before(predictions(3.0), GOOD)) == []


def test_a_replaced_model_is_told_by_its_area() -> None:
    for spoilt in (predictions(0.0), predictions(-1.0)):
        for told in (list(worse_than_before(spoilt, GOOD)), list(worse_than_own(spoilt, figures(GOOD)))):
            assert told[0].startswith("on 120 held-out patients macro AUC is 0.")
            assert "a hospital or the coordinator may have spoilt it" in told[0]
    assert "below that of the model before" in next(worse_than_before(predictions(0.0), GOOD))
    assert "below that of this hospital's own training" in next(
        worse_than_own(predictions(0.0), figures(GOOD))
    )


def test_one_class_that_is_lost_is_told_by_name() -> None:
    """The order of scores within each class stays, so no area shows it."""
    spoilt = predictions(2.0, bias=(0.0, -3.0, 0.0))
    told = [*worse_than_before(spoilt, GOOD), *worse_than_own(spoilt, figures(GOOD))]
    assert len(told) == 2
    assert all("the share of bacteria that it finds is 0." in one for one in told)


def test_few_patients_and_a_class_that_is_absent_say_nothing() -> None:
    few = predictions(0.0, patients=3)
    assert list(worse_than_own(few, figures(predictions(0.0, 1, patients=3)))) == []
    labels = np.zeros(20, np.int64)
    one = Predictions(np.full((20, 3), 1 / 3), labels, np.arange(20), CLASSES)
    assert figures(one)["macro_auc"].value is None
    assert list(worse_than_before(one, one)) == []


@pytest.mark.parametrize("name", ["macro_auc", "recognised of normal"])
def test_the_figures_that_are_kept(name: str) -> None:
    found = figures(GOOD)[name]
    assert found.value is not None
    assert 0.7 < found.value < 1
