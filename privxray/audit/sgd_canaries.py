"""Canaries for DP-SGD: images whose gradients point in directions of their own.

A convolutional network has no dimension that one image alone can reach. Coarse random black and white images
come close: their gradients are near-orthogonal, with a few directions in common. What is common is taken out
by solving for all patients at once. With a_t the noisy sum of step t and G_t the [d, n] matrix of the clipped
gradients of everybody who may have been in it (known to the attacker, who has the weights of every step),
b_t = (G'G + ridge)^-1 G'a_t estimates who was sampled, and the sum over steps is the score. The invented
patients are in G as well, so that they are not mistaken for canaries.

A small learning rate keeps the network near its start, where the gradients are most unlike each other. An
attacker may choose so: the guarantee is for any public constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from privxray.audit.one_run import Scores, toss
from privxray.audit.planting import IMAGES, Planted, some_patients, with_canaries
from privxray.audit.synthetic_patients import PATIENTS, image_patients
from privxray.errors import RefusedError, UsageError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input, network
from privxray.privacy.clipping import Floats
from privxray.privacy.noise import NoiseSource
from privxray.privacy.releases import ReleaseStore

DEFAULT = 120
MOST = 800
CONSTANTS: dict[str, object] = {
    "image_size": 32,
    "sampling_rate": 0.8,
    "steps": 10,
    "learning_rate": 0.02,
}
"""What an audit trains by where no plan says otherwise. So nearly every canary is sampled at least once."""

_BLOCK = 2  # pixels: a canary is a chessboard of random fields of this size
_RIDGE = 0.1  # of a clipped gradient's squared length
_CHUNK = 64


def default_guesses(canaries: int) -> int:
    """The clearer half: directions that canaries have in common blur the others."""
    return (canaries + 1) // 2


def plant(
    patients: TrainingData | None,
    constants: DpSgdConstants,
    classes: int,
    canaries: int,
    source: NoiseSource,
    images: int = IMAGES,
) -> Planted:
    """Put canaries among a few of ``patients``, or among invented ones.

    :raises UsageError: more canaries than gradients can be told apart.
    :raises RefusedError: another network than the small one, whose gradients don't fit in memory.
    """
    if canaries > MOST:
        raise UsageError(f"dp-sgd can tell at most {MOST} canaries apart")
    if constants.network != "small-cnn":
        raise RefusedError(
            "the one-run audit of dp-sgd needs the gradient of each canary, and this network's are too large",
            advice="Audit with the network small-cnn: sampling, clipping and noise are the same code",
        )
    size = constants.image_size
    if patients is None:
        patients = image_patients(PATIENTS, size, source)
    patients = some_patients(patients, PATIENTS, source)
    fields = source.uniform(canaries * (size // _BLOCK) ** 2).reshape(
        canaries, size // _BLOCK, size // _BLOCK
    )
    pictures = np.kron(fields < 0.5, np.ones((1, _BLOCK, _BLOCK), np.uint8)) * np.uint8(255)
    labels = np.arange(canaries) % classes
    return with_canaries(patients, pictures, labels, toss(canaries, source), constants, images)


def scores(
    planted: Planted, classes: int, start: Mapping[str, NDArray[Any]], releases: ReleaseStore
) -> Scores:
    """[m] how often each canary seems to have been sampled."""
    constants: DpSgdConstants = planted.constants
    pixels = np.concatenate([planted.patients.inputs, planted.canaries])
    labels = np.concatenate([planted.patients.labels, planted.labels])
    before, velocity = dict(start), np.zeros(1)
    total = np.zeros(len(labels))
    for step in range(constants.steps):
        after = _weights(releases, step, start)
        gradients = _clipped_gradients(before, classes, pixels, labels, constants)
        moved = (_flat(before) - _flat(after)) / constants.learning_rate
        answer = (moved - constants.momentum * velocity) * constants.expected_batch_size
        gram = gradients @ gradients.T / constants.clipping_norm**2
        ridge = _RIDGE * np.eye(len(gram))
        total += np.linalg.solve(gram + ridge, gradients @ answer / constants.clipping_norm**2)
        before, velocity = after, moved
    return np.asarray(total[len(planted.patients.labels) :])


def _weights(releases: ReleaseStore, step: int, start: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    saved = releases.load(step)
    assert saved is not None  # an observing store keeps every step
    return {name: saved[f"weights.{name}"] for name in start}


def _flat(weights: Mapping[str, NDArray[Any]]) -> Floats:
    return np.concatenate([value.astype(np.float64).ravel() for value in weights.values()])


def _clipped_gradients(
    weights: Mapping[str, NDArray[Any]],
    classes: int,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    constants: DpSgdConstants,
) -> Floats:
    """[n, d] each image's gradient at ``weights``, clipped.

    By torch's own transforms and not by Opacus, so that the attacker shares no mistake of the engine's.
    """
    model = network(constants.network, weights, classes)
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(at: dict[str, torch.Tensor], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return cross_entropy(functional_call(model, at, (image[None],)), label[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    images, targets = as_input(pixels), torch.from_numpy(labels)
    chunks = []
    for at in range(0, len(labels), _CHUNK):
        found = each(parameters, images[at : at + _CHUNK], targets[at : at + _CHUNK])
        chunks.append(torch.cat([found[name].flatten(1) for name in weights], dim=1).double())
    rows = torch.cat(chunks)
    limit, lengths = constants.clipping_norm, rows.norm(dim=1, keepdim=True)
    return np.asarray((rows * (limit / lengths.clamp(min=limit))).numpy())
