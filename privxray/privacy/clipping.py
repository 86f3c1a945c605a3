"""Where sensitivities come from: clipping, and averages within a patient.

Every query of privxray has its sensitivity by this argument. Let a patient have images i = 1 .. m, and let
each image contribute a vector v_i with ||v_i|| <= C. The patient contributes their mean. The norm is
convex, so ||sum v_i / m|| <= sum ||v_i|| / m <= C, for one image or for thirty. The query is the *sum* over
patients, so adding or removing one patient moves it by that patient's contribution, which is at most C.

Nothing in a query depends on the number of patients. If it were divided by that number, every other patient's
contribution would change with this patient's presence.

A number that is not finite would escape every clip, because NaN <= C is false. So it becomes zero first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def row_norms(rows: NDArray[Any]) -> Floats:
    """[N] Euclidean norms of the rows of a [N, D] array, in float64; they may be infinite or NaN."""
    exact = np.asarray(rows, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        # One pass without a temporary array: ten times as fast as numpy.linalg.norm along an axis.
        norms: Floats = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    return norms


def unit_rows(rows: NDArray[Any]) -> Floats:
    """[N, D] rows over their norms, in float64, so each has length 1.

    A row of zeros stays zero. A row with a NaN or an infinity becomes zero.
    """
    return rows_scaled(rows, lambda norms: 1.0 / norms)


def clip_rows(rows: NDArray[Any], limit: float) -> Floats:
    """[N, D] rows, in float64, those longer than ``limit`` shortened to it.

    A row with a NaN or an infinity becomes zero.
    """
    return rows_scaled(rows, lambda norms: np.minimum(1.0, limit / norms))


def rows_scaled(rows: NDArray[Any], factor: Callable[[Floats], Floats]) -> Floats:
    """[N, D] rows times ``factor(norms)``, in float64; zero where the norm is zero or not finite."""
    rows = rows.astype(np.float64)
    norms = row_norms(rows)
    usable = np.isfinite(norms) & (norms > 0)
    result = np.zeros_like(rows)
    result[usable] = rows[usable] * factor(norms[usable])[:, None]
    return result


def clip_factors(norms: Floats, limit: float) -> Floats:
    """[N] factors by which vectors of these [N] norms are multiplied, so that none is longer than ``limit``.

    The factor is 0 where a norm is not finite: such a vector contributes nothing.
    """
    factors = np.zeros_like(norms)
    finite = np.isfinite(norms)
    factors[finite] = limit / np.maximum(norms[finite], limit)
    return factors


def patient_weights(patients: NDArray[np.int64]) -> Floats:
    """[N] one over the number of images of each image's patient. A sum with these weights is a sum of means.

    :param patients: [N] patient numbers, each of 0 .. P-1.
    """
    counts = np.bincount(patients)
    return 1.0 / counts[patients]
