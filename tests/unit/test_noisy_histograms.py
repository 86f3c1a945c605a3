"""Figures from histograms: right without noise, and with it inside their intervals as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from privxray.evaluation.noisy_histograms import (
    WIDEST,
    Measured,
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
    truth, deviation = figures_of_class("x", counts, EDGES, 0.0), 20.0
    missed = {"auc": 0, "sensitivity": 0}
    errors = []
    for _ in range(400):
        found = figures_of_class("x", counts + rng.normal(0, deviation, counts.shape), EDGES, deviation)
        for name in missed:
            one, exact = getattr(found, name), getattr(truth, name)
            missed[name] += abs(one.value - exact.value) > 1.96 * (one.noise**2 + 1e-6) ** 0.5
        errors.append((found.auc.value - truth.auc.value, found.auc.noise))
    spread, stated = np.std([error for error, _ in errors]), np.median([noise for _, noise in errors])
    assert stated == pytest.approx(spread, rel=0.15)
    assert missed["auc"] < 40
    assert missed["sensitivity"] < 50


def test_too_few_patients_for_the_noise_give_no_figure() -> None:
    _, _, counts = drawn(60)
    found = figures_of_class("x", counts, EDGES, 20.0)
    assert (found.auc, found.sensitivity, found.roc) == (None, None, ())
    assert all(step.share is None for step in found.calibration)
    assert mean_auc([found, figures_of_class("y", counts, EDGES, 0.0)]) is None
    assert mean_auc([]) is None


def test_a_figure_is_shown_only_where_its_interval_is_narrow() -> None:
    assert Measured.of(0.8, 0.02**2, 0.03**2).is_shown
    wide = Measured.of(0.7, 0.03**2, 0.06**2)
    assert not wide.is_shown
    assert wide.high - wide.low > WIDEST
    edge = Measured.of(1.02, 0.01, 0.0)
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
