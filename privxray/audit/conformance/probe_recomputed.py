"""The linear probe computed a second time: exact queries from the patients, everything else from the answers.

Written from the descriptions in docs/SPEC.md and in the constants, and without the engine's functions:
patient by patient, and with whole gradient matrices. Only the arithmetic on noisy answers keeps the engine's
order of operations, for there the result has to be the same to the last bit.

Tested in tests/unit/test_audit_conformance.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from privxray.audit.conformance.noise_tape import Floats
from privxray.audit.conformance.recomputed import Block, Recomputed, Trained
from privxray.learning.constants import LinearProbeConstants
from privxray.learning.data import TrainingData

_INFLATION = 1.000001  # of sensitivities, for the rounding of exact sums
_LEAST_SHARE = 0.05  # of the largest step's share of mu^2
_MU_UNIT = 8.0


def recompute_probe(trained: Trained[LinearProbeConstants]) -> Recomputed:
    """The exact answers and the vector that has to leave, of one training of the linear probe."""
    constants, data, noise = trained.task.constants, trained.data, trained.noise
    dim, classes = constants.feature_dim, len(trained.task.classes)
    count_noise = noise / math.sqrt(constants.count_share)
    deviation = count_noise * math.sqrt(1.0 + constants.label_scale**2) * _INFLATION
    first = trained.answers[0]["answer"]
    exact = _exact_counts(data, constants, classes)
    blocks = [
        Block.of(("features", 0), first[:dim], exact[:dim], deviation, by_class=False),
        Block.of(("counts", 0), first[dim:], exact[dim:], deviation, by_class=True),
    ]
    centre, counts = _centre(first, constants, deviation)
    x = _inputs(data.inputs, centre, constants)
    n = float(counts.sum())
    step_noises = _step_noises(constants, noise)
    gradients = [answer["answer"] for answer in trained.answers[1:]]
    heads = list(_heads(gradients, n, constants, noise))
    for step, (gradient, step_noise) in enumerate(zip(gradients, step_noises, strict=True), start=1):
        before = heads[step - 2] if step > 1 else np.zeros_like(heads[0])
        blocks.append(
            Block.of(
                ("gradient", step),
                gradient,
                _exact_gradient(before, x, data, constants.gradient_clip),
                step_noise * constants.gradient_clip * _INFLATION,
                by_class=True,
            )
        )
    weight = 1.0 if constants.weighting == "patients" else min(1.0, 1.0 / noise / _MU_UNIT)
    averaged = max(1, int(constants.averaged_share * constants.steps + 0.5))
    return Recomputed(
        blocks=blocks,
        vector=_leaving(_mean_of(heads[-averaged:]), centre, counts * weight, constants),
        charges=[(noise, 1.0) for noise in (count_noise, *step_noises)],
        taken=np.zeros((0, 0), bool),
    )


def _images_by_patient(data: TrainingData) -> Iterator[NDArray[np.int64]]:
    """The numbers of each patient's images."""
    for patient in range(data.patient_count):
        yield np.flatnonzero(data.patients == patient).astype(np.int64)


def _unit(feature: NDArray[np.float32]) -> Floats:
    """A feature over its length; zero where that can't be."""
    exact = feature.astype(np.float64)
    if not np.isfinite(exact).all():
        return np.zeros_like(exact)
    length = math.sqrt(math.fsum(exact * exact))
    return exact / length if length > 0.0 else exact


def _exact_counts(data: TrainingData, constants: LinearProbeConstants, classes: int) -> Floats:
    """[D + K] the sum over patients of the mean of [u ; label_scale y] over the patient's images."""
    total = np.zeros(constants.feature_dim + classes)
    for images in _images_by_patient(data):
        for image in images:
            total[:-classes] += _unit(data.inputs[image]) / len(images)
            total[constants.feature_dim + int(data.labels[image])] += constants.label_scale / len(images)
    return total


def _inputs(inputs: NDArray[np.float32], centre: Floats, constants: LinearProbeConstants) -> Floats:
    """[N, D + 1] rows [z ; bias]: z is (u - c) / radius, shortened to length 1 if it is longer."""
    x = np.full((len(inputs), constants.feature_dim + 1), constants.bias)
    for row, feature in zip(x, inputs, strict=True):
        z = (_unit(feature) - centre) / constants.feature_radius
        row[:-1] = z / max(1.0, math.sqrt(float(z @ z)))
    return x


def _exact_gradient(head: Floats, x: Floats, data: TrainingData, clip: float) -> Floats:
    """[K, D + 1] the sum over patients of their images' mean gradient, each clipped as a whole matrix."""
    logits = x @ head.T
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    towards = -shares
    towards[np.arange(len(x)), data.labels] += 1.0
    gradients = towards[:, :, None] * x[:, None, :]
    lengths = np.sqrt(np.einsum("nkd,nkd->n", gradients, gradients))
    shortened = np.minimum(1.0, clip / np.maximum(lengths, 1e-300))
    mean = 1.0 / np.bincount(data.patients)[data.patients]
    return np.asarray(np.tensordot(shortened * mean, gradients, axes=1))


def _centre(answer: Floats, constants: LinearProbeConstants, deviation: float) -> tuple[Floats, Floats]:
    """The centre [D] and the counts [K], from the noisy answer to query 1."""
    dim = constants.feature_dim
    counts = np.maximum(answer[dim:] / constants.label_scale, constants.count_floor)
    n = counts.sum()
    centre = answer[:dim] / n
    if constants.centre == "clamped":
        return np.minimum(np.maximum(centre, 0.0), 1.0), counts
    square = float(centre @ centre)
    kept = 0.0
    if square > 0.0:
        kept = max(0.0, 1.0 - (dim - 2) * (deviation / n) ** 2 / square)
    return centre * (kept / max(1.0, kept * math.sqrt(square))), counts


def _heads(
    gradients: list[Floats], n: float, constants: LinearProbeConstants, noise: float
) -> Iterator[Floats]:
    """The head after each step, from the noisy gradients."""
    reach = min(constants.rate_cap, constants.rate_slope * n * (1.0 / noise))
    rate = constants.rate * reach / constants.steps
    head = velocity = np.zeros_like(gradients[0])
    for gradient in gradients:
        velocity = constants.momentum * velocity + (gradient - gradient.mean(axis=0)) / n
        head = head + rate * velocity
        yield head


def _mean_of(heads: list[Floats]) -> Floats:
    total = heads[0]
    for head in heads[1:]:
        total = total + head
    return total / len(heads)


def _step_noises(constants: LinearProbeConstants, noise: float) -> list[float]:
    """The noise of each step over its sensitivity: s / sqrt(p_t (1 - a)), for shares p_t that sum to 1.

    How much of a step's noise is in the averaged head is found by sending a single 1 through the steps.
    """
    steps = constants.steps
    weights = [1.0] * steps
    if constants.step_noise == "by-weight":
        averaged = max(1, int(constants.averaged_share * steps + 0.5))
        weights = [_response(constants, steps, step)[-averaged:].sum() for step in range(steps)]
        weights = [max(weight, _LEAST_SHARE * max(weights)) for weight in weights]
    total = math.fsum(weights)
    left = 1.0 - constants.count_share
    return [noise / math.sqrt(left * weight / total) for weight in weights]


def _response(constants: LinearProbeConstants, steps: int, at: int) -> Floats:
    """[steps] how far the head has moved after each step, if the gradient of one step is 1 and others 0."""
    moved, position, velocity = [], 0.0, 0.0
    for step in range(steps):
        velocity = constants.momentum * velocity + (step == at)
        position += velocity
        moved.append(position)
    return np.array(moved)


def _leaving(
    head: Floats, centre: Floats, counts: Floats, constants: LinearProbeConstants
) -> dict[str, Floats]:
    """The vector that leaves: head, centre and counts, times n where they are means."""
    cap, bound = constants.weight_cap, constants.weight_bound
    counts = np.minimum(counts * min(1.0, cap / counts.sum()), cap)
    # Rounding leaves about one such sum in ten a last digit above the cap.
    n = min(float(counts.sum()), cap)
    return {
        "weights": n * np.minimum(np.maximum(head, -bound), bound),
        "centre": n * centre,
        "counts": counts,
    }
