"""DP-SGD computed a second time: each patient's gradient by itself, without batches, hooks or chunks.

Every sampled patient is one call of torch's own automatic differentiation on the mean loss of the patient's
images and views. Who was sampled, and how views were moved, is worked out from the uniform values that the
engine drew. The noisy sum of a step is worked out from the saved weights and momentum.

Tested in tests/unit/test_audit_conformance.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from privxray.audit.conformance.noise_tape import Floats
from privxray.audit.conformance.recomputed import Block, Recomputed, Trained
from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd.networks import network
from privxray.learning.interface import Tensors

_INFLATION = 1.000001  # of the clip, for the rounding of exact sums
_LAST_BIT = 2.0**-23


def recompute_sgd(trained: Trained[DpSgdConstants]) -> Recomputed:
    """The exact answers and the vector that has to leave, of one round of DP-SGD."""
    constants, start = trained.task.constants, trained.task.start
    deviation = trained.noise * constants.clipping_norm * _INFLATION
    uniforms = list(trained.tape.uniforms())
    blocks, taken, faults = [], [], []
    before: Tensors = start
    momentum: Tensors = {}
    for step, saved in enumerate(trained.answers):
        sample, moves, trouble = _drawn(uniforms, trained)
        if trouble:
            faults.append(f"step {step + 1}: {trouble}")
        taken.append(sample)
        after = {name: saved[f"weights.{name}"] for name in start}
        noisy, momentum = _noisy_sum(before, after, saved, momentum, constants)
        exact = _exact_sum(before, trained, np.flatnonzero(sample), moves)
        blocks += [
            Block.of((name, step), noisy[name], exact[name], deviation, by_class=name.startswith("head."))
            for name in start
        ]
        wrong = [
            name for name in momentum if not _moved(before[name], after[name], momentum[name], constants)
        ]
        if wrong:
            faults.append(f"step {step + 1}: {', '.join(wrong)} did not move by the noisy momentum")
        before = after
    bound = constants.delta_bound
    left = _averaged(trained.answers, start, constants)
    return Recomputed(
        blocks=blocks,
        vector={name: np.minimum(np.maximum(left[name] - start[name], -bound), bound) for name in start},
        charges=[(trained.noise, constants.sampling_rate)] * constants.steps,
        taken=np.array(taken),
        rate=constants.sampling_rate,
        faults=faults,
    )


def _averaged(
    answers: Sequence[Mapping[str, NDArray[Any]]], start: Tensors, constants: DpSgdConstants
) -> dict[str, Floats]:
    """The weights that leave: those after the last step, or the moving average of those after every step.

    The average is worked out from the weights alone. What a training saved of it is not looked at.
    """
    decay = constants.averaging
    weights = {name: np.zeros(value.shape) for name, value in start.items()}
    for saved in answers:
        for name, value in weights.items():
            weights[name] = decay * value + (1.0 - decay) * saved[f"weights.{name}"].astype(np.float64)
    return {name: value / (1.0 - decay ** len(answers)) for name, value in weights.items()}


def _drawn(
    uniforms: list[Floats], trained: Trained[DpSgdConstants]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], str]:
    """Who is in the next step [P], how each view is moved [V, 3], and what was drawn otherwise, if anything.

    The moves are those of the sampled patients' images in the order of their patients, all views of an image
    together: mirrored or not, pixels down, pixels to the right.
    """
    constants, data = trained.task.constants, trained.data
    sampled = uniforms.pop(0) if uniforms else np.zeros(0)
    if len(sampled) != data.patient_count:
        nobody = np.zeros(data.patient_count, bool)
        return nobody, np.zeros((0, 3), np.int64), "patients are not sampled by one uniform value each"
    sample = sampled < constants.sampling_rate
    images = int(np.bincount(data.patients)[sample].sum())
    moves = np.zeros((images, constants.views, 3), np.int64)
    if constants.views > 1:
        drawn = uniforms.pop(0) if uniforms else np.zeros(0)
        if len(drawn) != 3 * images * (constants.views - 1):
            return sample, moves.reshape(-1, 3), "views are not moved by three uniform values each"
        mirror, down, right = np.moveaxis(drawn.reshape(images, constants.views - 1, 3), 2, 0)
        width = 2 * constants.view_shift + 1
        chosen = mirror < 0.5
        if constants.network == "lite2-head":  # every second view, whatever was drawn
            chosen = np.arange(1, constants.views) % 2 == 1
        moves[:, 1:, 0] = chosen if constants.view_flip else 0
        moves[:, 1:, 1] = (down * width).astype(np.int64) - constants.view_shift
        moves[:, 1:, 2] = (right * width).astype(np.int64) - constants.view_shift
    return sample, moves.reshape(-1, 3), ""


def _exact_sum(
    weights: Tensors,
    trained: Trained[DpSgdConstants],
    patients: NDArray[np.int64],
    moves: NDArray[np.int64],
) -> dict[str, Floats]:
    """The sum over sampled patients of their gradient, clipped as one vector over all parameters."""
    constants, data = trained.task.constants, trained.data
    model = network(constants.network, weights, len(trained.task.classes))
    parameters = dict(model.named_parameters())
    total = {name: np.zeros(value.shape) for name, value in weights.items()}
    at = 0
    for patient in patients:
        images = np.flatnonzero(data.patients == patient)
        views = [
            _seen(data.inputs[image], moves[at + number])
            for number, image in enumerate(np.repeat(images, constants.views))
        ]
        at += len(views)
        seen = torch.from_numpy(np.stack(views).astype(np.float32))
        labels = torch.from_numpy(np.repeat(data.labels[images], constants.views))
        loss = cross_entropy(model(seen), labels)
        found = torch.autograd.grad(loss, [parameters[name] for name in weights])
        gradient = {name: g.double().numpy() for name, g in zip(weights, found, strict=True)}
        square = sum(float(np.square(g).sum()) for g in gradient.values())
        if not np.isfinite(square):
            continue
        factor = min(1.0, constants.clipping_norm / square**0.5) if square > 0.0 else 0.0
        for name, part in gradient.items():
            total[name] += factor * part
    return total


def _seen(image: NDArray[Any], move: NDArray[np.int64]) -> NDArray[Any]:
    """[C, H, W] what the network sees of a view: one channel of pixels in about [-1, 1], or 120 of a map."""
    mirrored, down, right = (int(part) for part in move)
    if image.ndim == 1:  # the maps of the image and of its mirror image
        return _shifted(np.split(image, 2)[mirrored].reshape(120, 4, 4), down, right)
    picture = np.fliplr(image) if mirrored else image
    return (_shifted(picture[None].astype(np.float32), down, right) - 127.0) / 128.0


def _shifted(image: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """Channels, moved; what is at the edge fills the gap."""
    most = max(abs(down), abs(right))
    wide = np.pad(image, ((0, 0), (most, most), (most, most)), mode="edge")
    height, width = image.shape[1:]
    return wide[:, most - down : most - down + height, most - right : most - right + width]


def _noisy_sum(
    before: Tensors,
    after: Tensors,
    saved: Mapping[str, NDArray[Any]],
    momentum: Tensors,
    constants: DpSgdConstants,
) -> tuple[dict[str, Floats], Tensors]:
    """A step's noisy sum in float64, up to the rounding of float32, and the momentum after the step.

    Momentum is m times the last one plus the noisy mean. A training without momentum saves none; then the
    mean is how far the weights moved, over the learning rate.
    """
    size = constants.expected_batch_size
    later = {name: saved[f"momentum.{name}"] for name in before if f"momentum.{name}" in saved}
    means = {}
    for name in before:
        if name in later:
            mean = later[name].astype(np.float64)
            if name in momentum:
                mean = mean - constants.momentum * momentum[name].astype(np.float64)
        else:
            mean = (before[name].astype(np.float64) - after[name]) / constants.learning_rate
        means[name] = mean * size
    return means, later


def _moved(
    before: NDArray[Any], after: NDArray[Any], momentum: NDArray[Any], constants: DpSgdConstants
) -> bool:
    """Whether the weights moved by the saved momentum and by nothing else, to the last bit of float32.

    A device may round once or twice in a product and a sum, so the last bit is left open.
    """
    step = constants.learning_rate * momentum.astype(np.float64)
    expected = before.astype(np.float64) - step
    return bool((np.abs(after - expected) <= _LAST_BIT * (np.abs(before) + np.abs(step))).all())
