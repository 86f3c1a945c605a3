"""Canaries for DP-SGD: images whose gradients point in directions of their own.

A convolutional network has no dimension that only one image can reach. Coarse random black and white images
come close: their gradients are nearly orthogonal, with a few directions in common. For ``lite2-head``, which
sees maps, they are random maps of zeros and ones. Solving for all patients
at once takes out what is common. With a_t the noisy sum of step t, G_t the [n, d] matrix of the clipped
gradients of everybody who may have been in it (known to the attacker, who has the weights of every step), m
and V the mean and variance of who is in before anything is seen, the best linear estimate of who was in is
m + V G (G' V G + noise)^-1 (a_t - G' m), and the sum over steps is the score. The variance of the noise is
taken from what no patient's gradient reaches, and the length of gradients from what they do reach: an engine
may have less noise than it says, and clip less.

The head of the starting weights is not zero. With a zero head only the head has a gradient, and 1,539 numbers
don't keep thousands of canaries apart. A small learning rate keeps the network near its start. All patients
are in every step (q = 1), so the claim is that of Gaussian noise, and every bound applies. An attacker may
choose all of this, because the guarantee is for any public constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from privxray.audit.canaries import CanaryKind, Planted, require_at_most
from privxray.audit.guessing import Scores, toss
from privxray.audit.kept_answers import KeptAnswers
from privxray.audit.patient_updates import later_round
from privxray.audit.synthetic_patients import PATIENTS, feature_patients, image_patients
from privxray.errors import RefusedError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.network_inputs import MapInputs, inputs_of
from privxray.learning.dp_sgd.networks import network
from privxray.learning.interface import Method, Task, Tensors
from privxray.privacy.clipping import Floats
from privxray.privacy.noise import NoiseSource

MOST = 4000
"""Canaries that the gradients of the small network can tell apart."""

_BLOCK = 2  # pixels: a canary is a chessboard of random fields of this size
_RIDGE = 1e-6  # of a clipped gradient's squared length, for equations that are nearly singular
_BEYOND_CHANCE = 5.0  # standard deviations
_HEAD = {"small-cnn": 0.1, "lite2-head": 0.01}
"""Networks whose canaries are told apart, with the standard deviation of the head's starting weights: no
canary's class is predicted surely, or its gradient would be short."""

_CHUNK = 64  # images whose gradients are computed at a time


class SgdCanaries(CanaryKind[DpSgdConstants]):
    """Random black and white images."""

    default = 3000
    default_own = 120
    overrides: ClassVar[Mapping[str, object]] = {
        "image_size": 32,
        "sampling_rate": 1.0,
        "steps": 4,
        "learning_rate": 0.02,
    }

    def start(
        self, method: Method[DpSgdConstants], task: Task[DpSgdConstants], source: NoiseSource
    ) -> Task[DpSgdConstants]:
        """From the method's starting weights, but with a head that is not zero."""
        initial = method.starting_model(task.constants, task.classes)
        return replace(task, start=later_round(initial, source, _HEAD[task.constants.network]))

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
        if constants.network not in _HEAD:
            raise RefusedError(
                "the one-run audit needs each canary's gradient, and those of this network are too large",
                reason="audit.network-too-large",
                advice="Audit small-cnn or lite2-head: sampling, clipping and noise are the same code",
            )
        if patients is None:
            patients = _invented(constants, source)
        return Planted(
            some_patients(patients, PATIENTS, source),
            _canaries(canaries, constants, source),
            np.arange(canaries) % classes,
            toss(canaries, source),
        )

    def scores(self, planted: Planted, task: Task[DpSgdConstants], answers: KeptAnswers) -> Scores:
        """[m] how often each canary seems to have been in a step."""
        constants = task.constants
        inputs = np.concatenate([planted.patients.inputs, planted.canaries])
        labels = np.concatenate([planted.patients.labels, planted.labels])
        rate, people = constants.sampling_rate, len(planted.patients.labels)
        chance = np.full(len(labels), rate)
        chance[people:] /= 2.0  # the coin comes first
        before, velocity = dict(task.start), np.zeros(1)
        total = np.zeros(len(labels))
        for step in range(constants.steps):
            saved = answers.answer(step)
            after = {name: saved[f"weights.{name}"] for name in task.start}
            gradients = _clipped_gradients(before, task, inputs, labels)
            moved = (_flat(before) - _flat(after)) / constants.learning_rate
            answer = (moved - constants.momentum * velocity) * constants.expected_batch_size
            total += _Estimates(gradients, chance, constants.clipping_norm).of(answer)
            before, velocity = after, moved
        return np.asarray(total[people:])


class _Estimates:
    """The best linear estimates of who was in a step, from its noisy sum; see the module's text.

    :param gradients: [n, d] of everybody who may have been in it.
    :param chance: [n] of being in it, before anything is seen.
    :param clip: the longest gradient.
    """

    def __init__(self, gradients: NDArray[np.float32], chance: Floats, clip: float) -> None:
        self._gradients, self._chance, self._clip = gradients, chance, clip
        self._spread = np.sqrt(chance * (1.0 - chance))
        self._gram = (gradients @ gradients.T).astype(np.float64)

    def of(self, answer: Floats) -> Floats:
        """[n] the estimates, up to a constant.

        :param answer: [d] the noisy sum.
        """
        from scipy.linalg import cho_factor, cho_solve

        number, numbers = self._gradients.shape
        ridge = _RIDGE * self._clip**2 * np.eye(number)
        left = answer - self._chance @ self._gradients
        along = self._gradients @ left
        reached = float(along @ cho_solve(cho_factor(self._gram + ridge), along))
        noise = max(float(left @ left) - reached, 0.0) / max(1, numbers - number)
        kernel = self._spread[:, None] * self._gram * self._spread
        kernel *= self._longer(kernel, reached, noise)
        kernel[np.diag_indices(number)] += noise + _RIDGE * self._clip**2
        return np.asarray(self._spread * cho_solve(cho_factor(kernel), self._spread * along))

    def _longer(self, kernel: Floats, reached: float, noise: float) -> float:
        """By how much gradients are longer than clipped ones, squared; 1 unless that is beyond chance.

        An engine that does not clip has longer ones, and canaries blur each other more.
        """
        number = len(kernel)
        beyond = reached - number * noise
        if beyond < _BEYOND_CHANCE * noise * (2.0 * number) ** 0.5:
            return 1.0
        return max(1.0, beyond / float(np.trace(kernel)))


def some_patients(data: TrainingData, most: int, source: NoiseSource) -> TrainingData:
    """At most so many patients, picked at random, with the first image of each."""
    _, first = np.unique(data.patients, return_index=True)
    if len(first) > most:
        first = first[np.sort(np.argsort(source.uniform(len(first)))[:most])]
    return TrainingData(data.inputs[first], data.labels[first], np.arange(len(first)))


def _invented(constants: DpSgdConstants, source: NoiseSource) -> TrainingData:
    """Invented patients in the form that the network takes."""
    form = inputs_of(constants)
    if isinstance(form, MapInputs):
        return feature_patients(PATIENTS, form.numbers, source)
    return image_patients(PATIENTS, form.side, source)


def _canaries(number: int, constants: DpSgdConstants, source: NoiseSource) -> NDArray[Any]:
    """[number, ...] inputs of the form that the network takes."""
    form = inputs_of(constants)
    if isinstance(form, MapInputs):
        length = math.prod(form.shape)
        maps = np.where(source.uniform(number * length).reshape(number, length) < 0.5, 0.0, 1.0)
        return np.tile(maps, form.numbers // length).astype(np.float32)  # mirrored, it is the same
    side = form.side // _BLOCK
    fields = source.uniform(number * side**2).reshape(number, side, side)
    return np.kron(fields < 0.5, np.ones((1, _BLOCK, _BLOCK), np.uint8)) * np.uint8(255)


def _flat(weights: Mapping[str, NDArray[Any]]) -> Floats:
    return np.concatenate([value.astype(np.float64).ravel() for value in weights.values()])


def _clipped_gradients(
    weights: Tensors, task: Task[DpSgdConstants], inputs: NDArray[Any], labels: NDArray[np.int64]
) -> NDArray[np.float32]:
    """[n, d] each image's gradient at ``weights``, clipped: the mean over views that chance does not move.

    By torch's own transforms and not by Opacus, so that a mistake in the engine is not repeated here.
    """
    constants = task.constants
    model = network(constants.network, weights, len(task.classes))
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(at: dict[str, torch.Tensor], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return cross_entropy(functional_call(model, at, (image[None],)), label[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    views, targets = inputs_of(constants).for_prediction(inputs), torch.from_numpy(labels)
    views = views[: constants.views]
    chunks = []
    for at in range(0, len(labels), _CHUNK):
        part = slice(at, at + _CHUNK)
        found = [each(parameters, view[part], targets[part]) for view in views]
        by_view = [torch.cat([one[name].flatten(1) for name in weights], dim=1) for one in found]
        rows = torch.stack(by_view).mean(dim=0)
        lengths = rows.double().norm(dim=1, keepdim=True)
        chunks.append((rows * (constants.clipping_norm / lengths.clamp(min=constants.clipping_norm))).float())
    return np.asarray(torch.cat(chunks).numpy())
