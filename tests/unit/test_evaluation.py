"""Figures on held-out patients: the right values, the right intervals, and what may be said of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from privxray.evaluation import weighted, words
from privxray.evaluation.calibration import Bin, calibration_error, reliability
from privxray.evaluation.comparison import Verdict, difference, paired_macro_auc
from privxray.evaluation.held_out import Predictions, evaluated
from privxray.evaluation.resampling import Estimate, estimate, resampled_weights
from privxray.evaluation.threshold import fixed_threshold
from privxray.learning import metrics

CLASSES = ("normal", "bacteria", "virus")


def made_up(seed: int, patients: int = 40, skill: float = 1.5) -> Predictions:
    """Two images a patient; scores rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(patients), 2)
    labels = numbers % 3
    logits = rng.normal(0, 1, (len(labels), 3)) + skill * np.eye(3)[labels]
    raised = np.exp(np.round(logits, 1))
    return Predictions(raised / raised.sum(axis=1, keepdims=True), labels, numbers, CLASSES)


def ones(seen: Predictions) -> np.ndarray:
    return np.ones((1, len(seen.labels)))


# The same figures as the plain ones, and as those of repeated images


@pytest.mark.parametrize("seed", range(5))
def test_with_weights_of_one_they_are_the_plain_metrics(seed: int) -> None:
    seen = made_up(seed)
    plain = metrics.scores(seen.probabilities, seen.labels, CLASSES)
    told = evaluated(seen).metrics
    for name, value in plain.items():
        assert told[name].value == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("seed", range(3))
def test_a_weight_counts_an_image_so_often(seed: int) -> None:
    seen, rng = made_up(seed), np.random.default_rng(seed + 100)
    weights = rng.integers(0, 3, len(seen.labels)).astype(float)
    weights[:6] = 1
    often = np.repeat(np.arange(len(weights)), weights.astype(int))
    p, y = seen.probabilities[often], seen.labels[often]
    row = weights[None]
    assert weighted.macro_auc(seen.probabilities, seen.labels, row)[0] == pytest.approx(
        metrics.macro_auc(p, y)
    )
    assert weighted.mcc(seen.probabilities, seen.labels, row)[0] == pytest.approx(
        matthews_corrcoef(y, p.argmax(axis=1))
    )
    assert weighted.balanced_accuracy(seen.probabilities, seen.labels, row)[0] == pytest.approx(
        metrics.balanced_accuracy(p, y)
    )
    assert weighted.accuracy(seen.probabilities, seen.labels, row)[0] == (p.argmax(axis=1) == y).mean()


def test_an_auc_counts_ties_by_half_and_is_undefined_without_both_sides() -> None:
    positive, score = np.array([True, False, True, False]), np.array([0.5, 0.5, 0.9, 0.1])
    rows = np.array([[1.0, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [2, 1, 0, 3]])
    found = weighted.auc(positive, score, rows)
    assert found[0] == roc_auc_score(positive, score) == 0.875
    assert found[1] == 0.5
    assert np.isnan(found[2])
    assert np.isnan(found[3])
    assert found[4] == (0.5 + 3) / 4


def test_rows_are_taken_in_parts_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = made_up(1)
    weights = resampled_weights(seen.patients, 50)
    whole = weighted.macro_auc(seen.probabilities, seen.labels, weights)
    monkeypatch.setattr(weighted, "_AT_ONCE", 7 * len(seen.labels))
    assert (weighted.macro_auc(seen.probabilities, seen.labels, weights) == whole).all()


def test_mcc_of_one_predicted_class_is_0_and_of_one_true_class_undefined() -> None:
    always = np.tile([0.2, 0.5, 0.3], (4, 1))
    labels = np.array([0, 1, 1, 2])
    rows = np.array([[1.0, 1, 1, 1], [0, 1, 1, 0]])
    found = weighted.mcc(always, labels, rows)
    assert found[0] == 0
    assert np.isnan(found[1])
    assert weighted.balanced_accuracy(always, labels, rows).tolist() == [1 / 3, 1]
    assert weighted.macro_auc(always, labels, rows[:1])[0] == 0.5  # as the majority class has it


# The bootstrap


def test_patients_are_drawn_whole_and_as_many_as_there_are() -> None:
    patients = np.array([0, 0, 0, 1, 2, 2])
    weights = resampled_weights(patients, 200)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, [0, 3, 4]].sum(axis=1) == 3).all()
    assert (resampled_weights(patients, 200) == weights).all()  # the same each time it is asked for
    assert 0.9 < weights.mean() < 1.1


def test_an_interval_is_the_middle_95_of_100() -> None:
    found = estimate(0.5, np.linspace(0, 1, 1001))
    assert found == Estimate(0.5, pytest.approx(0.025), pytest.approx(0.975), pytest.approx(0.2891, abs=1e-3))
    assert estimate(float("nan"), np.ones(9)) == Estimate(None)
    few = np.full(1000, np.nan)
    few[:899] = 0.4
    assert estimate(0.5, few) == Estimate(0.5)
    few[899] = 0.4
    assert estimate(0.5, few).low == 0.4


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Sensitivity of .8 on 60 patients: the truth lies inside in 95 of 100 samples, give or take."""
    rng, inside = np.random.default_rng(0), 0
    patients, everybody = np.arange(60), np.ones(60, bool)
    weights = resampled_weights(patients, 400)
    for _ in range(300):
        found = rng.random(60) < 0.8
        one = estimate(float(found.mean()), weighted.share(found, everybody, weights))
        assert one.low is not None
        assert one.high is not None
        inside += one.low <= 0.8 <= one.high
    assert 0.89 <= inside / 300 <= 0.99


# Calibration


def test_the_reliability_table_and_its_error_are_those_of_a_hand_count() -> None:
    p = np.array([[0.95, 0.05], [0.91, 0.09], [0.35, 0.65], [0.5, 0.5], [0.0, 1.0]])
    labels = np.array([0, 1, 1, 1, 1])
    table = reliability(p, labels)
    assert [row.images for row in table] == [0, 0, 0, 0, 1, 0, 1, 0, 0, 3]
    assert table[9] == Bin(0.9, 1.0, 3, pytest.approx(0.953333, abs=1e-6), pytest.approx(2 / 3))
    assert table[4] == Bin(0.4, 0.5, 1, 0.5, 0.0)  # the bin holds its upper end
    assert table[0].said is None
    expected = (abs(0.5 - 0) + abs(0.65 - 1) + abs(0.95 + 0.91 + 1.0 - 2)) / 5
    assert calibration_error(p, labels, np.ones((1, 5)))[0] == pytest.approx(expected)
    assert calibration_error(p, labels, np.array([[0, 0, 0, 0, 2.0]]))[0] == 0


# The threshold


def test_the_threshold_is_the_highest_that_finds_nine_of_ten() -> None:
    ill = np.array([True] * 10 + [False] * 5)
    probability = np.r_[np.arange(1, 11) / 10, np.full(5, 0.05)]
    assert fixed_threshold(ill, probability) == 0.2
    assert fixed_threshold(ill[:9], probability[:9]) == 0.1  # of nine none may be missed
    assert fixed_threshold(np.zeros(3, bool), np.ones(3)) is None


def test_what_is_fixed_on_val_is_used_as_it_is_on_test() -> None:
    val, test = made_up(1), made_up(2)
    there, here = evaluated(val).pneumonia, evaluated(test, fixed_on=val).pneumonia
    assert there is not None
    assert here is not None
    assert there.threshold == here.threshold
    assert (there.same_patients, here.same_patients) == (True, False)
    assert there.found >= 0.9 * there.ill
    assert there.found / there.ill == there.sensitivity.value
    assert here.specificity.value == here.passed / here.healthy
    assert (here.ill, here.healthy) == (52, 28)
    unknown = Predictions(val.probabilities, val.labels, val.patients, ("a", "b", "c"))
    assert evaluated(unknown).pneumonia is None
    assert "pneumonia_auc" not in evaluated(unknown).metrics


# All of it


def test_counts_stand_behind_each_figure() -> None:
    seen = made_up(3)
    told = evaluated(seen)
    assert (told.patients, told.images) == (40, 80)
    assert [(c.label, c.patients, c.images) for c in told.classes] == [
        ("normal", 14, 28), ("bacteria", 13, 26), ("virus", 13, 26)
    ]  # fmt: skip
    right = sum(c.right for c in told.classes)
    assert told.metrics["accuracy"].value == right / 80
    for one in told.metrics.values():
        assert one.low is not None
        assert one.value is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high


def test_a_group_is_scored_by_itself_and_a_small_one_is_remarked_on() -> None:
    seen = made_up(4, patients=60)
    groups = {"sex F": seen.patients < 45, "sex M": seen.patients >= 45}
    women, men = evaluated(seen, groups=groups).groups
    part = seen.patients < 45
    assert women.macro_auc.value == pytest.approx(
        metrics.macro_auc(seen.probabilities[part], seen.labels[part])
    )
    assert (women.name, women.patients, women.images, women.small) == ("sex F", 45, 90, False)
    assert (men.patients, men.small) == (15, True)


def test_what_may_be_said_of_a_difference() -> None:
    sure, other = Estimate(0.9, 0, 1, 0.01), Estimate(0.8, 0, 1, 0.02)
    above = difference(sure, other)
    assert above is not None
    assert above.verdict is Verdict.BETTER
    assert above.value == pytest.approx(0.1)
    assert above.high - above.low == pytest.approx(2 * 1.959964 * np.hypot(0.01, 0.02))
    below = difference(other, sure)
    assert below is not None
    assert below.verdict is Verdict.WORSE
    chance = difference(Estimate(0.884, 0, 1, 0.03), Estimate(0.888, 0, 1, 0.03))
    assert chance is not None
    assert chance.verdict is Verdict.WITHIN_CHANCE
    assert difference(sure, Estimate(0.8)) is None
    assert difference(Estimate(None), sure) is None


def test_models_that_are_both_at_hand_are_compared_patient_by_patient() -> None:
    seen = made_up(5, patients=120, skill=1.5)
    worse = Predictions(
        made_up(6, patients=120, skill=0.3).probabilities, seen.labels, seen.patients, CLASSES
    )
    apart = paired_macro_auc(seen, worse)
    assert apart is not None
    assert apart.verdict is Verdict.BETTER
    plain = [metrics.macro_auc(one.probabilities, one.labels) for one in (seen, worse)]
    assert apart.value == pytest.approx(plain[0] - plain[1])
    same = paired_macro_auc(seen, seen)
    assert same is not None
    assert (same.value, same.low, same.high, same.verdict) == (0, 0, 0, Verdict.WITHIN_CHANCE)
    alone = Predictions(seen.probabilities[:2], seen.labels[:2], seen.patients[:2], CLASSES)
    assert paired_macro_auc(alone, alone) is None


def test_metrics_are_named_as_people_write_them() -> None:
    names = [words.metric_name(name) for name in ("macro_auc", "mcc", "balanced_accuracy")]
    assert names == ["macro AUC", "MCC (Matthews)", "balanced accuracy"]
