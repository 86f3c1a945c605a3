"""Canaries for DP-SGD: images whose gradients point in directions of their own.

A convolutional network has no dimension that only one image can reach. Coarse random black and white images
come close: their gradients are nearly orthogonal, with a few directions in common. Solving for all patients
at once takes out what is common. With a_t the noisy sum of step t and G_t the [d, n] matrix of the clipped
gradients of everybody who may have been in it (known to the attacker, who has the weights of every step),
b_t = (G'G + ridge)^-1 G'a_t estimates who was sampled, and the sum over steps is the score. The invented
patients are in G as well, so that they are not mistaken for canaries.

A small learning rate keeps the network near its start, where the gradients differ most from each other. An
attacker may choose so, because the guarantee is for any public constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from privxray.audit.canaries import CanaryKind, Planted, require_at_most
from privxray.audit.guessing import Scores, toss
from privxray.audit.kept_answers import KeptAnswers
from privxray.audit.synthetic_patients import PATIENTS, image_patients
from privxray.errors import RefusedError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input, network
from privxray.learning.interface import Task, Tensors
from privxray.privacy.clipping import Floats
from privxray.privacy.noise import NoiseSource

MOST = 800
"""Canaries that the gradients of the small network can tell apart."""

_BLOCK = 2  # pixels: a canary is a chessboard of random fields of this size
_RIDGE = 0.1  # of a clipped gradient's squared length
_CHUNK = 64  # images whose gradients are computed at a time


class SgdCanaries(CanaryKind[DpSgdConstants]):
    """Random black and white images."""

    default = 120
    # Nearly every canary is sampled at least once.
    overrides: ClassVar[Mapping[str, object]] = {
        "image_size": 32,
        "sampling_rate": 0.8,
        "steps": 10,
        "learning_rate": 0.02,
    }

    def default_guesses(self, canaries: int) -> int:
        """The clearer half: directions that canaries have in common blur the others."""
        return (canaries + 1) // 2

    def plant(
        self,
        patients: TrainingData | None,
        constants: DpSgdConstants,
        classes: int,
        canaries: int,
        source: NoiseSource,
    ) -> Planted:
        """See :meth:`.CanaryKind.plant`; at most some of the patients are taken, with one image each."""
        require_at_most(canaries, MOST)
        if constants.network != "small-cnn":
            raise RefusedError(
                "the one-run audit needs each canary's gradient, and those of this network are too large",
                reason="audit.network-too-large",
                advice="Audit the network small-cnn: sampling, clipping and noise are the same code",
            )
        size = constants.image_size
        if patients is None:
            patients = image_patients(PATIENTS, size, source)
        fields = source.uniform(canaries * (size // _BLOCK) ** 2)
        fields = fields.reshape(canaries, size // _BLOCK, size // _BLOCK)
        pictures = np.kron(fields < 0.5, np.ones((1, _BLOCK, _BLOCK), np.uint8)) * np.uint8(255)
        return Planted(
            some_patients(patients, PATIENTS, source),
            pictures,
            np.arange(canaries) % classes,
            toss(canaries, source),
        )

    def scores(self, planted: Planted, task: Task[DpSgdConstants], answers: KeptAnswers) -> Scores:
        """[m] how often each canary seems to have been sampled."""
        constants = task.constants
        pixels = np.concatenate([planted.patients.inputs, planted.canaries])
        labels = np.concatenate([planted.patients.labels, planted.labels])
        before, velocity = dict(task.start), np.zeros(1)
        total = np.zeros(len(labels))
        for step in range(constants.steps):
            saved = answers.answer(step)
            after = {name: saved[f"weights.{name}"] for name in task.start}
            gradients = _clipped_gradients(before, task, pixels, labels)
            moved = (_flat(before) - _flat(after)) / constants.learning_rate
            answer = (moved - constants.momentum * velocity) * constants.expected_batch_size
            gram = gradients @ gradients.T / constants.clipping_norm**2
            ridge = _RIDGE * np.eye(len(gram))
            total += np.linalg.solve(gram + ridge, gradients @ answer / constants.clipping_norm**2)
            before, velocity = after, moved
        return np.asarray(total[len(planted.patients.labels) :])


def some_patients(data: TrainingData, most: int, source: NoiseSource) -> TrainingData:
    """At most so many patients, picked at random, with the first image of each."""
    _, first = np.unique(data.patients, return_index=True)
    if len(first) > most:
        first = first[np.sort(np.argsort(source.uniform(len(first)))[:most])]
    return TrainingData(data.inputs[first], data.labels[first], np.arange(len(first)))


def _flat(weights: Mapping[str, NDArray[Any]]) -> Floats:
    return np.concatenate([value.astype(np.float64).ravel() for value in weights.values()])


def _clipped_gradients(
    weights: Tensors, task: Task[DpSgdConstants], pixels: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Floats:
    """[n, d] each image's gradient at ``weights``, clipped.

    By torch's own transforms and not by Opacus, so that a mistake in the engine is not repeated here.
    """
    constants = task.constants
    model = network(constants.network, weights, len(task.classes))
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
