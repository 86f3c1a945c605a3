"""The two queries that the linear probe asks of the patients, and why their sensitivities are what they are.

Both are sums over patients of a mean over the patient's images (``privacy.clipping`` has the argument), so
the sensitivity is the greatest length that one image's vector can have.

*Query 1*: v = [u ; s y] with u a feature over its norm (or the zero vector) and y its label as a unit vector.
||v||^2 = ||u||^2 + s^2 <= 1 + s^2; with s = 1/4 the sensitivity is sqrt(17/16).

*Query 2*: v = the gradient of the cross-entropy of softmax(W x) with respect to W, which is (p - y) x^T. A
matrix of rank one has the Frobenius norm ||p - y|| ||x||, so each image's norm is known from two vectors and
clipping is one factor an image: no per-image gradient is ever formed. x = [z ; b] with ||z|| <= 1. Each is
clipped to C.

In both, what the noisy answers of earlier queries contribute (the centre, the weights W) is fixed when the
query is asked, so the composition is adaptive, which the accountant covers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.constants import LinearProbeConstants
from privxray.learning.interface import softmax
from privxray.privacy.clipping import Floats, clip_factors, clip_rows, patient_weights, row_norms, unit_rows


def count_sensitivity(constants: LinearProbeConstants) -> float:
    """How far one patient moves query 1: sqrt(1 + label_scale^2)."""
    return float(np.sqrt(1.0 + constants.label_scale**2))


def count_query(
    inputs: NDArray[Any], one_hot: Floats, patients: NDArray[np.int64], constants: LinearProbeConstants
) -> Floats:
    """Query 1, without noise: [D + K], the summed unit features and the scaled class counts.

    :param inputs: [N, D] raw features.
    :param one_hot: [N, K].
    """
    weights = patient_weights(patients)
    return np.concatenate([weights @ unit_rows(inputs), constants.label_scale * (weights @ one_hot)])


def centred_features(inputs: NDArray[Any], centre: Floats, radius: float) -> Floats:
    """[N, D] rows z = clip((u - c) / radius, 1): all that is done to features before the linear head.

    ``predict`` and encrypted inference share this function; a hospital that asks does it itself, because
    clipping can't be done under encryption.

    :param inputs: [N, D] raw features.
    :param centre: [D].
    :param radius: > 0.
    """
    return clip_rows((unit_rows(inputs) - centre) / radius, 1.0)


def probe_inputs(inputs: NDArray[Any], centre: Floats, constants: LinearProbeConstants) -> Floats:
    """[N, D + 1] rows x = [clip((u - c) / radius, 1) ; bias], of length at most sqrt(1 + bias^2)."""
    centred = centred_features(inputs, centre, constants.feature_radius)
    return np.concatenate([centred, np.full((len(inputs), 1), constants.bias)], axis=1)


def gradient_query(
    weights: Floats,
    x: Floats,
    one_hot: Floats,
    patients: NDArray[np.int64],
    constants: LinearProbeConstants,
    lengths: Floats | None = None,
) -> Floats:
    """Query 2, without noise: [K, D + 1], the sum over patients of the mean clipped direction of ascent.

    :param weights: [K, D + 1], the head W.
    :param x: [N, D + 1] of :func:`probe_inputs`.
    :param lengths: [N] norms of the rows of ``x``, where they are known: they are the same at every step.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        residual = one_hot - softmax(x @ weights.T)
    residual[~np.isfinite(residual).all(axis=1)] = 0.0
    norms = row_norms(residual) * (row_norms(x) if lengths is None else lengths)
    scaled = residual * (clip_factors(norms, constants.gradient_clip) * patient_weights(patients))[:, None]
    return np.asarray(scaled.T @ x)
