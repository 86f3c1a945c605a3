"""Where sensitivities come from: clipping, and averages within a patient.

The sensitivity argument that every query here uses. Let a patient have images i = 1 .. m, and let each image
contribute a vector v_i with ||v_i|| <= C. The patient contributes their mean, and by convexity of the norm
||sum v_i / m|| <= sum ||v_i|| / m <= C, for one image or for thirty. The query is the *sum* over patients,
so adding or removing one patient moves it by that patient's contribution: at most C. Nothing in the query
depends on the number of patients; dividing by it would make every other patient's share depend on this one.

A number that is not finite would escape every clip (NaN <= C is false), so it becomes zero first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def row_norms(rows: NDArray[Any]) -> Floats:
    """Euclidean norms of the rows of a [N, D] array, in float64; they may be infinite or NaN."""
    exact = np.asarray(rows, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        # One pass without a temporary: ten times as fast as numpy.linalg.norm along an axis.
        norms: Floats = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    return norms


def unit_rows(rows: NDArray[Any]) -> Floats:
    """Each row over its norm, in float64; a zero row, or one with a NaN or an infinity, becomes zero."""
    rows = rows.astype(np.float64)
    return rows_scaled(rows, lambda norms: 1.0 / norms)


def clip_rows(rows: NDArray[Any], limit: float) -> Floats:
    """Each row shortened to norm ``limit`` where it is longer; one that is not finite becomes zero."""
    rows = rows.astype(np.float64)
    return rows_scaled(rows, lambda norms: np.minimum(1.0, limit / norms))


def rows_scaled(rows: Floats, factor: Any) -> Floats:
    """Rows times ``factor(norms)``, with zeros where the norm is zero or not finite."""
    norms = row_norms(rows)
    usable = np.isfinite(norms) & (norms > 0)
    result = np.zeros_like(rows)
    result[usable] = rows[usable] * factor(norms[usable])[:, None]
    return result


def clip_factors(norms: Floats, limit: float) -> Floats:
    """What to multiply vectors of these norms by, so that none is longer than ``limit``.

    0 where a norm is not finite: such a vector contributes nothing.
    """
    factors = np.zeros_like(norms)
    finite = np.isfinite(norms)
    factors[finite] = limit / np.maximum(norms[finite], limit)
    return factors


def patient_weights(patients: NDArray[np.int64]) -> Floats:
    """For each of N images one over the number of images of its patient: a weighted sum is a sum of means.

    :param patients: [N] ids, dense from 0.
    """
    counts = np.bincount(patients)
    return 1.0 / counts[patients]
