"""Clips hold for every input that a float can be."""

from __future__ import annotations

import numpy as np
import pytest

from privxray.privacy.clipping import clip_factors, clip_rows, patient_weights, row_norms, unit_rows

AWKWARD = np.array(
    [[0, 0], [np.nan, 1], [np.inf, 1], [-np.inf, np.nan], [3e38, 3e38], [1e-45, 0], [1, 1], [3, 4]],
    np.float32,
)


def test_unit_rows_have_length_one_or_zero() -> None:
    norms = row_norms(unit_rows(AWKWARD))
    assert np.allclose(norms, [0, 0, 0, 0, 1, 1, 1, 1], atol=1e-12)


def test_what_overflows_even_float64_becomes_zero() -> None:
    assert not unit_rows(np.array([[1e200, 1e200]])).any()
    assert not clip_rows(np.array([[1e200, 1e200]]), 1.0).any()


@pytest.mark.parametrize("limit", [0.1, 1.0, 7.0])
def test_clipped_rows_are_no_longer_than_the_limit_and_keep_their_direction(limit: float) -> None:
    clipped = clip_rows(AWKWARD, limit)
    assert (row_norms(clipped) <= limit * (1 + 1e-12)).all()
    assert np.isfinite(clipped).all()
    assert np.allclose(clipped[-1] / row_norms(clipped)[-1], [0.6, 0.8])


def test_rows_that_are_short_enough_stay_as_they_are() -> None:
    rows = np.array([[0.6, 0.5], [0.0, 0.2], [0.6, 0.8]])
    assert np.allclose(clip_rows(rows, 1.0), rows, rtol=1e-15)


def test_clip_factors() -> None:
    factors = clip_factors(np.array([0.0, 0.5, 2.0, np.inf, np.nan]), 1.0)
    assert factors.tolist() == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_weights_sum_to_one_in_each_patient() -> None:
    patients = np.array([0, 2, 1, 0, 0, 2])
    assert np.allclose(np.bincount(patients, patient_weights(patients)), 1)
