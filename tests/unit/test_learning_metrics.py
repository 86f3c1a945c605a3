"""Metrics on small cases that can be counted by hand, and the reference."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from privxray.learning import metrics
from privxray.learning.data import TrainingData
from privxray.learning.reference import pooled_reference

CLASSES = ["normal", "bacteria", "virus"]
P = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.4, 0.5, 0.1]])
# The most probable classes are 0, 1, 2, 1.


def test_all_four_on_a_case_counted_by_hand() -> None:
    found = metrics.scores(P, np.array([0, 1, 2, 0]), CLASSES)
    assert set(found) == {"macro_auc", "balanced_accuracy", "mcc", "pneumonia_auc"}
    # normal: {.8, .4} over {.2, .1}: 1. bacteria: .7 over all: 1. virus: .6 over all: 1.
    assert found["macro_auc"] == 1.0
    assert found["pneumonia_auc"] == 1.0
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1 + 1) / 3, abs=1e-12)
    # Gorodkin's R_K: (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2)), with s = 4 images,
    # c = 3 of them right, p = (1, 2, 1) predictions and t = (2, 1, 1) labels: (12 - 5) / sqrt(10 * 10).
    assert found["mcc"] == pytest.approx(7 / 10, abs=1e-12)


def test_all_four_where_the_order_is_wrong() -> None:
    found = metrics.scores(P, np.array([1, 0, 2, 1]), CLASSES)
    # normal: .2 against {.8, .1, .4}: 1/3. bacteria: {.1, .5} against {.7, .3}: 1/4. virus: 1.
    assert found["macro_auc"] == pytest.approx((1 / 3 + 1 / 4 + 1) / 3, abs=1e-12)
    assert found["pneumonia_auc"] == pytest.approx(1 / 3, abs=1e-12)
    # Right are the third and the fourth: recalls 0 of 1, 1 of 2, 1 of 1.
    assert found["balanced_accuracy"] == pytest.approx((0 + 1 / 2 + 1) / 3, abs=1e-12)
    # c = 2, predicted (1, 2, 1), true (1, 2, 1): (8 - 6) / sqrt(10 * 10).
    assert found["mcc"] == pytest.approx(2 / 10, abs=1e-12)


def test_equal_scores_count_half_a_pair() -> None:
    even = np.full((4, 3), 1 / 3)
    assert metrics.macro_auc(even, np.array([0, 1, 2, 0])) == 0.5
    assert metrics.pneumonia_auc(even, np.array([0, 1, 2, 0]), CLASSES) == 0.5


def test_mcc_of_two_classes_is_the_phi_coefficient() -> None:
    labels, guesses = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])
    # True positives 1, true negatives 2, false positives 1, false negatives 1.
    phi = (1 * 2 - 1 * 1) / math.sqrt(2 * 2 * 3 * 3)
    assert metrics.mcc(np.eye(2)[guesses], labels) == pytest.approx(phi, abs=1e-12)


def test_mcc_is_zero_where_one_class_is_always_guessed() -> None:
    assert metrics.mcc(np.tile([0.6, 0.3, 0.1], (4, 1)), np.array([0, 1, 2, 0])) == 0.0


def test_an_absent_class_gives_none_and_not_a_crash() -> None:
    labels = np.array([0, 1, 1, 0])
    assert metrics.macro_auc(P, labels) is None
    # Of the classes that occur: 1 of 2 normal, 1 of 2 bacteria.
    assert metrics.balanced_accuracy(P, labels) == 0.5
    assert metrics.mcc(P, np.ones(4, np.int64)) is None
    assert metrics.pneumonia_auc(P, np.ones(4, np.int64), CLASSES) is None
    assert metrics.pneumonia_auc(P, np.zeros(4, np.int64), CLASSES) is None
    assert metrics.pneumonia_auc(P, labels, ["a", "b", "c"]) is None
    nothing = metrics.scores(np.empty((0, 3)), np.empty(0, np.int64), CLASSES)
    assert set(nothing.values()) == {None}


def test_pneumonia_is_all_that_is_not_normal_wherever_normal_stands() -> None:
    labels = np.array([2, 1, 0, 2])
    order = [2, 1, 0]
    assert metrics.pneumonia_auc(P[:, order], labels, [CLASSES[k] for k in order]) == 1.0


@pytest.mark.parametrize("present", [[0, 1, 2], [0, 2], [1]])
def test_the_reference_gives_probabilities_also_where_a_class_is_missing(present: list[int]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(present, 60)
    features = (np.eye(3, 8)[labels] + 0.1 * rng.random((60, 8))).astype(np.float32)
    data = TrainingData(features, labels, np.arange(60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = pooled_reference(data, features, 3)
    assert np.allclose(p.sum(axis=1), 1)
    assert (p.argmax(axis=1) == labels).all()
    assert not p[:, [k for k in range(3) if k not in present]].any()


def test_the_reference_looks_at_the_direction_of_features_alone() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 60)
    features = np.eye(3, 8)[labels] + 0.3 * rng.random((60, 8))
    lengths = 10.0 ** rng.integers(-3, 3, (60, 1))
    plain = pooled_reference(TrainingData(features, labels, np.arange(60)), features, 3)
    scaled = pooled_reference(TrainingData(lengths * features, labels, np.arange(60)), features, 3)
    assert np.allclose(plain, scaled, atol=1e-6)
