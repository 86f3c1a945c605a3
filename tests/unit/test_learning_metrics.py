"""Metrics on small cases that can be counted by hand, and the reference."""

from __future__ import annotations

import numpy as np
import pytest

from privxray.learning import metrics
from privxray.learning.data import TrainingData
from privxray.learning.reference import pooled_reference

CLASSES = ["normal", "bacteria", "virus"]
P = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.4, 0.5, 0.1]])


def test_all_four_on_a_case_counted_by_hand() -> None:
    found = metrics.scores(P, np.array([0, 1, 2, 0]), CLASSES)
    # normal: {.8, .4} over {.2, .1}: 1. bacteria: .7 over all: 1. virus: .6 over all: 1.
    assert found["macro_auc"] == 1.0
    assert found["pneumonia_auc"] == 1.0
    assert found["balanced_accuracy"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert found["mcc"] == pytest.approx(0.7, abs=0.1)


def test_a_wrong_order_costs_its_pairs() -> None:
    assert metrics.pneumonia_auc(P, np.array([1, 0, 2, 1]), CLASSES) == pytest.approx(1 / 3)


def test_an_absent_class_gives_none_and_not_a_crash() -> None:
    labels = np.array([0, 1, 1, 0])
    assert metrics.macro_auc(P, labels) is None
    assert metrics.balanced_accuracy(P, labels) is not None
    assert metrics.mcc(P, np.ones(4, np.int64)) is None
    assert metrics.pneumonia_auc(P, np.ones(4, np.int64), CLASSES) is None
    assert metrics.pneumonia_auc(P, labels, ["a", "b", "c"]) is None
    nothing = metrics.scores(np.empty((0, 3)), np.empty(0, np.int64), CLASSES)
    assert set(nothing.values()) == {None}


@pytest.mark.parametrize("present", [[0, 1, 2], [0, 2], [1]])
def test_the_reference_gives_probabilities_also_where_a_class_is_missing(present: list[int]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(present, 60)
    features = (np.eye(3, 8)[labels] + 0.1 * rng.random((60, 8))).astype(np.float32)
    data = TrainingData(features, labels, np.arange(60))
    p = pooled_reference(data, features, 3)
    assert np.allclose(p.sum(axis=1), 1)
    assert (p.argmax(axis=1) == labels).all()
    assert not p[:, [k for k in range(3) if k not in present]].any()
