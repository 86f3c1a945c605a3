"""The two queries that the linear probe asks of the patients, and why they have the sensitivities they have.

Both are sums over patients of a mean over the patient's images. So the sensitivity is the largest length that
one image's vector can have (:mod:`privxray.privacy.clipping` has the argument).

*Query 1.* An image's vector is v = [u ; s y], where u is its feature over its norm (or the zero vector) and
y is its label as a unit vector. ||v||^2 = ||u||^2 + s^2 <= 1 + s^2, so with s = 1/4 the sensitivity is
sqrt(17/16).

*Query 2.* An image's vector is the direction in which the log-likelihood of softmax(W x) grows with W,
which is (y - p) x^T, clipped to length C. So the sensitivity is C. A matrix of rank one has the Frobenius
norm ||y - p|| ||x||: two vectors give the norm, and the clip is one factor for each image. No gradient of a
single image is ever formed. x = [z ; b] with ||z|| <= 1.

The answers to earlier queries (the centre, the weights W) are fixed when the next query is asked. So the
composition is adaptive, which the accountant covers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.learning.constants import LinearProbeConstants
from privxray.learning.interface import softmax
from privxray.privacy.clipping import Floats, clip_factors, clip_rows, patient_weights, row_norms, unit_rows


def count_sensitivity(constants: LinearProbeConstants) -> float:
    """The sensitivity of query 1: sqrt(1 + label_scale^2)."""
    return float(np.sqrt(1.0 + constants.label_scale**2))


def count_query(
    inputs: NDArray[Any], one_hot: Floats, patients: NDArray[np.int64], constants: LinearProbeConstants
) -> Floats:
    """Query 1 without noise: [D + K], the sum of unit features and the scaled class counts.

    :param inputs: [N, D] features as they were computed.
    :param one_hot: [N, K] labels as unit vectors.
    :param patients: [N] patient numbers, each of 0 .. P-1.
    """
    weights = patient_weights(patients)
    return np.concatenate([weights @ unit_rows(inputs), constants.label_scale * (weights @ one_hot)])


def centred_features(inputs: NDArray[Any], centre: Floats, radius: float) -> Floats:
    """[N, D] rows z = clip((u - c) / radius, 1): all that is done to features before the linear head.

    ``predict`` and encrypted inference share this function. A hospital that asks for encrypted inference
    computes it itself, because clipping can't be done under encryption.

    :param inputs: [N, D] features as they were computed; u are these over their norms.
    :param centre: [D] c, of the model.
    :param radius: the constant ``feature_radius``, > 0.
    """
    return clip_rows((unit_rows(inputs) - centre) / radius, 1.0)


def probe_inputs(inputs: NDArray[Any], centre: Floats, constants: LinearProbeConstants) -> Floats:
    """[N, D + 1] rows x = [z ; bias], with z of :func:`centred_features`; at most sqrt(1 + bias^2) long."""
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
    """Query 2 without noise: [K, D + 1], the sum over patients of their images' mean clipped direction.

    An image whose direction is not finite contributes zero.

    :param weights: [K, D + 1] the head W.
    :param x: [N, D + 1] of :func:`probe_inputs`.
    :param one_hot: [N, K] labels as unit vectors.
    :param patients: [N] patient numbers, each of 0 .. P-1.
    :param lengths: [N] norms of the rows of ``x``, if they are known: they are the same in every step.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        residual = one_hot - softmax(x @ weights.T)
    residual[~np.isfinite(residual).all(axis=1)] = 0.0
    norms = row_norms(residual) * (row_norms(x) if lengths is None else lengths)
    scaled = residual * (clip_factors(norms, constants.gradient_clip) * patient_weights(patients))[:, None]
    return np.asarray(scaled.T @ x)
