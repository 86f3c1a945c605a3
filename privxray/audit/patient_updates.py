"""An update of one patient in three forms: without protection, with noise, and under masks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from privxray.exchange.masking.fixed_point import dequantise, quantise
from privxray.exchange.masking.masks import add_streams, mask_streams, pairwise_key
from privxray.formats.header import Fingerprint, PlanHash
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input, network
from privxray.learning.interface import Drawing, Method, Task
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

OVERRIDES: dict[str, object] = {
    "image_size": 32,
    "sampling_rate": 1.0,
    "steps": 1,
    "expected_batch_size": 1.0,
    "learning_rate": 0.01,
    "momentum": 0.0,
}
"""One step on one patient with one image: the batch that gives most away."""

_PEERS = 2  # hospitals that share masks with this one
_HEAD = 0.3  # standard deviation of the head's starting weights

Weights = Mapping[str, NDArray[np.float32]]
Update = Mapping[str, NDArray[np.float64]]


def later_round(
    initial: Weights, source: NoiseSource, deviation: float = _HEAD
) -> dict[str, NDArray[np.float32]]:
    """Starting weights with a head that is not zero.

    In a study's first step the head is zero, and then only the head has a gradient. From the second step on,
    the gradient of every layer tells something of the image. A plan may start from weights like these.

    :param deviation: the standard deviation of the head.
    """
    return {
        name: value + source.gaussian(value.shape, deviation).astype(np.float32)
        if name.startswith("head")
        else value
        for name, value in initial.items()
    }


def plain_update(patient: TrainingData, task: Task[DpSgdConstants]) -> Update:
    """What a hospital would export without any protection: minus the learning rate times the gradient."""
    model = network(task.constants.network, task.start, len(task.classes))
    parameters = dict(model.named_parameters())
    loss = cross_entropy(model(as_input(patient.inputs)), torch.from_numpy(patient.labels))
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return {
        name: -task.constants.learning_rate * gradient.double().numpy()
        for name, gradient in zip(parameters, gradients, strict=True)
    }


def private_update(
    patient: TrainingData,
    task: Task[DpSgdConstants],
    method: Method[DpSgdConstants],
    noise: float,
    source: NoiseSource,
) -> Update:
    """What privxray's training makes of the same patient.

    :param noise: the noise scale that :meth:`.Method.plan_noise` gave.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = ReleaseStore(Path(folder) / "steps", os.urandom(32))
        return method.train(patient, task, Drawing(noise, source, store))


def masked_update(update: Update, task: Task[DpSgdConstants], method: Method[DpSgdConstants]) -> Update:
    """An update as the coordinator opens it: in fixed point, under the masks shared with two hospitals."""
    manifest = method.manifest(task.constants, task.classes)
    numbers = quantise(update, manifest, method.modulus_bits)
    own, *others = (Fingerprint(os.urandom(32).hex()) for _ in range(1 + _PEERS))
    private, plan = X25519PrivateKey.generate(), PlanHash(os.urandom(32).hex())
    keys = {
        other: pairwise_key(private, X25519PrivateKey.generate().public_key(), plan, own, other)
        for other in others
    }
    add_streams(numbers, mask_streams(own, keys))
    return dequantise(numbers, manifest, method.modulus_bits)
