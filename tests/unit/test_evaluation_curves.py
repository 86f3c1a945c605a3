"""ROC curves with bands, the table of what was taken for what, and which images are shown."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_curve

from privxray.evaluation.curves import GRID, confusion, roc_curves, telling_images
from privxray.evaluation.held_out import Predictions

CLASSES = ("normal", "bacteria", "virus")


def drawn(patients: int, seed: int = 3) -> Predictions:
    """Two images a patient, and a model that is right more often than not."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 3, patients), 2)
    logits = rng.normal(0, 1, (2 * patients, 3)) + 1.2 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(probabilities, labels, np.repeat(np.arange(patients), 2), CLASSES)


def test_a_curve_is_that_of_scikit_learn_within_its_band() -> None:
    seen = drawn(80)
    for number, curve in enumerate(roc_curves(seen)):
        false, true, _ = roc_curve(
            seen.labels == number, seen.probabilities[:, number], drop_intermediate=False
        )
        inside = [float(true[false <= rate].max()) for rate in GRID]
        # Between two thresholds ours goes straight, where the other makes a step.
        assert np.all(curve.true_rates >= np.array(inside) - 1e-12)
        assert np.trapezoid(curve.true_rates, GRID) == pytest.approx(curve.area.value, abs=0.01)
        assert curve.low is not None
        assert curve.high is not None
        assert np.all(curve.low <= curve.high)
        assert 0.02 < np.mean(curve.high - curve.low) < 0.4


def test_a_band_narrows_with_patients() -> None:
    few, many = (roc_curves(drawn(number))[0] for number in (30, 300))
    assert few.high is not None
    assert few.low is not None
    assert many.high is not None
    assert many.low is not None
    assert np.mean(few.high - few.low) > 2 * np.mean(many.high - many.low)


def test_a_class_without_images_has_no_curve() -> None:
    seen = drawn(40)
    two = seen.labels != 2
    _, patients = np.unique(seen.patients[two], return_inverse=True)
    part = Predictions(seen.probabilities[two], seen.labels[two], patients, CLASSES)
    assert [curve.label for curve in roc_curves(part)] == ["normal", "bacteria"]


def test_the_table_is_that_of_scikit_learn() -> None:
    seen = drawn(50)
    wanted = confusion_matrix(seen.labels, seen.probabilities.argmax(axis=1), labels=[0, 1, 2])
    assert confusion(seen) == wanted.tolist()


def test_the_images_to_look_at_are_of_different_patients() -> None:
    seen = drawn(40)
    found = telling_images(seen, 3)
    right = seen.probabilities.argmax(axis=1) == seen.labels
    sure = seen.probabilities.max(axis=1)
    assert sure[found["right"][0]] == sure[right].max()
    assert sure[found["wrong"][0]] == sure[~right].max()
    assert not right[list(found["wrong"])].any()
    apart = np.diff(np.sort(seen.probabilities, axis=1), axis=1)[:, -1]
    assert apart[found["uncertain"][0]] == apart.min()
    for places in found.values():
        assert len({int(seen.patients[place]) for place in places}) == len(places) == 3
