"""One patient's update as three attackers see it: plain, of privxray's engine, and under masks."""

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

CONSTANTS: dict[str, object] = {
    "image_size": 32,
    "sampling_rate": 1.0,
    "steps": 1,
    "expected_batch_size": 1.0,
    "learning_rate": 0.01,
    "momentum": 0.0,
}
"""One step on one patient with one image: the batch that gives most away."""

PEERS = 2
_HEAD = 0.3  # standard deviation of the head's starting weights

Weights = Mapping[str, NDArray[np.float32]]
Update = Mapping[str, NDArray[np.float64]]


def later_round(initial: Weights, source: NoiseSource) -> dict[str, NDArray[np.float32]]:
    """Starting weights with a head that is not zero.

    While the head is zero, as in a study's first step, nothing but the head has a gradient; from the second
    on every layer's tells of the image. A plan may start from weights like these.
    """
    return {
        name: value + source.gaussian(value.shape, _HEAD).astype(np.float32)
        if name.startswith("head")
        else value
        for name, value in initial.items()
    }


def plain_update(patient: TrainingData, start: Weights, constants: DpSgdConstants, classes: int) -> Update:
    """What a hospital would export without any protection: minus the learning rate times the gradient."""
    model = network(constants.network, start, classes)
    loss = cross_entropy(model(as_input(patient.inputs)), torch.from_numpy(patient.labels))
    loss.backward()  # type: ignore[no-untyped-call]
    moved: dict[str, NDArray[np.float64]] = {}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None  # every parameter has a part in the loss
        moved[name] = -constants.learning_rate * parameter.grad.double().numpy()
    return moved


def private_update(
    method: Method[DpSgdConstants],
    patient: TrainingData,
    start: Weights,
    constants: DpSgdConstants,
    classes: tuple[str, ...],
    noise: float,
    source: NoiseSource,
) -> Update:
    """What privxray's engine makes of the same patient."""
    with tempfile.TemporaryDirectory() as folder:
        store = ReleaseStore(Path(folder) / "steps", os.urandom(32))
        return method.train(patient, Task(constants, classes, start), Drawing(noise, source, store))


def masked_update(
    update: Update, method: Method[DpSgdConstants], constants: DpSgdConstants, classes: tuple[str, ...]
) -> Update:
    """An update as the coordinator opens it: in fixed point, under the masks with two other hospitals."""
    manifest = method.manifest(constants, classes)
    numbers = quantise(update, manifest, method.modulus_bits)
    own, *others = (Fingerprint(os.urandom(32).hex()) for _ in range(1 + PEERS))
    private, plan = X25519PrivateKey.generate(), PlanHash(os.urandom(32).hex())
    keys = {
        other: pairwise_key(private, X25519PrivateKey.generate().public_key(), plan, own, other)
        for other in others
    }
    add_streams(numbers, mask_streams(own, keys))
    return dequantise(numbers, manifest, method.modulus_bits)
