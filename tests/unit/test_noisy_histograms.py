"""Figures from histograms: right without noise, and with it inside their intervals as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from privxray.evaluation.noisy_histograms import (
    WIDEST,
    Area,
    auc,
    figures_of_class,
    mean_auc,
    sensitivity,
)

BINS = 12
EDGES = [place / BINS for place in range(1, BINS)]


def drawn(patients: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, who is of the class, and the two histograms."""
    rng = np.random.default_rng(seed)
    positive = rng.random(patients) < 0.4
    scores = 1 / (1 + np.exp(-rng.normal(np.where(positive, 1.0, -1.0), 1.2)))
    places = np.searchsorted(EDGES, scores, side="right")
    rows = [np.bincount(places[chosen], minlength=BINS) for chosen in (positive, ~positive)]
    return scores, positive, np.array(rows, float)


def test_without_noise_the_area_is_that_of_the_binned_scores() -> None:
    counts = np.array([[0.0, 1.0, 3.0], [4.0, 1.0, 1.0]])
    wins = (4 + 0.5) * 1 + (5 + 0.5) * 3
    found = auc(counts, 0.0)
    assert found.value == pytest.approx(wins / 24)
    assert found.noise == 0
    # DeLong et al. 1988 by hand: the variance of the mean over each side's patients.
    below, above = np.array([2, 4.5, 5.5]) / 6 - found.value, np.array([4, 3.5, 1.5]) / 4 - found.value
    by_hand = (counts[0] @ below**2) / 16 + (counts[1] @ above**2) / 36
    assert found.sampling == pytest.approx(by_hand**0.5)


def test_many_patients_give_the_area_of_their_scores() -> None:
    scores, positive, counts = drawn(20_000)
    ranks = scores.argsort().argsort() + 1
    own, rest = positive.sum(), (~positive).sum()
    exact = (ranks[positive].sum() - own * (own + 1) / 2) / (own * rest)
    assert auc(counts, 0.0).value == pytest.approx(exact, abs=0.005)
    threshold = np.quantile(scores[~positive], 0.9)
    assert sensitivity(counts, 0.0).value == pytest.approx((scores[positive] > threshold).mean(), abs=0.02)


def test_intervals_hold_the_noise() -> None:
    _, _, counts = drawn(3_000)
    rng = np.random.default_rng(1)
    truth, deviation = auc(counts, 0.0), 20.0
    found = [auc(counts + rng.normal(0, deviation, counts.shape), deviation) for _ in range(400)]
    errors = np.array([one.value - truth.value for one in found])
    noise = np.array([one.noise for one in found])
    assert np.median(noise) == pytest.approx(errors.std(), rel=0.15)
    assert (abs(errors) > 1.96 * noise).sum() < 40


STEEP = np.array(
    [[0, 10, 20, 30, 45, 60, 75, 85, 85, 75, 50, 10], [500, 50, 35, 25, 20, 15, 15, 15, 10, 10, 5, 0.0]]
)
"""Of scores like those of a good model on radiographs: nine of ten others are in the lowest bins, where the
threshold of specificity 0.9 falls, and where noise moves it over many patients of the class."""


def test_a_sensitivity_s_interval_holds_where_the_threshold_is_uncertain() -> None:
    """The slope at the threshold, which once stood for the uncertainty, is noisy itself: of 20 figures that
    were shown here, 17 were wrong."""
    rng = np.random.default_rng(27)
    true, deviation = sensitivity(STEEP, 0.0).value, 11.0
    found = [sensitivity(STEEP + rng.normal(0, deviation, STEEP.shape), deviation) for _ in range(200)]
    assert true == pytest.approx(0.807, abs=0.01)
    assert np.mean([one.low <= true <= one.high for one in found]) >= 0.93
    assert np.mean([one.is_shown and not one.low <= true <= one.high for one in found]) <= 0.03


def test_without_noise_a_sensitivity_has_wilson_s_interval_where_the_curve_is_flat() -> None:
    counts = np.array([[30.0, 0.0, 0.0, 70.0], [880.0, 40.0, 80.0, 0.0]])
    found = sensitivity(counts, 0.0)
    # Wilson 1927, for 70 of 100: each threshold that the others' chance allows lies in the second bin.
    assert (found.low, found.value, found.high) == pytest.approx((0.6042, 0.7, 0.7811), abs=1e-3)


def test_calibration_without_noise_has_wilson_s_interval() -> None:
    (step, _) = figures_of_class("x", np.array([[3.0, 50.0], [97.0, 50.0]]), [0.5], 0.0).calibration
    assert step.share is not None
    # Wilson 1927, for 3 of 100: centre (p + z^2 / 2n) / (1 + z^2 / n).
    assert (step.share.low, step.share.value, step.share.high) == pytest.approx(
        (0.0103, 0.03, 0.0845), abs=1e-3
    )


def test_calibration_holds_the_noise_at_its_ends() -> None:
    """A noisy share below none is cut off, and its interval stays as wide as it is."""
    rng, missed = np.random.default_rng(4), 0
    counts = np.array([[2.0, 150.0], [198.0, 20.0]])
    for _ in range(200):
        first, last = figures_of_class("x", counts + rng.normal(0, 6, (2, 2)), [0.5], 6.0).calibration
        assert first.share is not None
        assert last.share is not None
        missed += not first.share.low <= 0.01 <= first.share.high
        missed += not last.share.low <= 150 / 170 <= last.share.high
    assert missed < 25


def test_too_few_patients_for_the_noise_give_no_figure() -> None:
    _, _, counts = drawn(60)
    found = figures_of_class("x", counts, EDGES, 20.0)
    assert (found.auc, found.sensitivity, found.roc) == (None, None, ())
    assert all(step.share is None for step in found.calibration)
    assert mean_auc([found, figures_of_class("y", counts, EDGES, 0.0)]) is None
    assert mean_auc([]) is None


def test_a_figure_is_shown_only_where_its_interval_is_narrow() -> None:
    assert Area.of(0.8, 0.02**2, 0.03**2).is_shown
    wide = Area.of(0.7, 0.03**2, 0.06**2)
    assert not wide.is_shown
    assert wide.high - wide.low > WIDEST
    edge = Area.of(1.02, 0.01, 0.0)
    assert (edge.value, edge.high) == (1.0, 1.0)


def test_the_mean_of_the_classes_has_the_mean_interval() -> None:
    _, _, counts = drawn(4_000)
    one = figures_of_class("x", counts, EDGES, 5.0)
    found = mean_auc([one, one, one])
    assert found is not None
    assert one.auc is not None
    assert found.value == pytest.approx(one.auc.value)
    assert found.sampling == pytest.approx(one.auc.sampling)
    assert found.noise == pytest.approx(one.auc.noise / 3**0.5)


def test_curve_and_calibration() -> None:
    _, _, counts = drawn(5_000)
    found = figures_of_class("x", counts, EDGES, 3.0)
    false, true = zip(*found.roc, strict=True)
    assert (found.roc[0], found.roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert list(false) == sorted(false)
    assert list(true) == sorted(true)
    assert (found.calibration[0].low, found.calibration[-1].high) == (0.0, 1.0)
    shares = [step.share.value for step in found.calibration if step.share]
    assert len(shares) == BINS
    assert shares[0] < 0.2 < 0.8 < shares[-1]
    exact = counts[0] / counts.sum(axis=0)
    assert shares == pytest.approx(exact.tolist(), abs=1e-9)


def test_a_noisy_number_below_none_is_no_trouble() -> None:
    counts = np.array([[-30.0, 10.0, 400.0], [500.0, -40.0, 20.0]])
    found = figures_of_class("x", counts, [0.3, 0.6], 10.0)
    assert found.auc is not None
    assert 0 <= found.auc.low <= found.auc.value <= found.auc.high <= 1
    assert all(0 <= false <= 1 and 0 <= true <= 1 for false, true in found.roc)
