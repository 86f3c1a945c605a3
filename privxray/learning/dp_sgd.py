"""DP-SGD on a small CNN, in rounds: each hospital trains on from the global model, and the deltas are
averaged.

The mechanism of one step (Abadi et al. 2016, algorithm 1, with the patient as the unit): every patient is
taken with probability q, the gradients of the patient's images are averaged, the average is clipped to C, the
clipped averages are summed, Gaussian noise of s C is added. The noise scale of this method is s, the noise
multiplier.

Opacus computes the per-image gradients and nothing else that the guarantee rests on: its ``make_private``,
data loader and batch memory manager take the sampling rate and the divisor from the number of records.
"""

# ruff: noqa: ARG002 (the interface's arguments; not every method needs each)
from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from privxray.errors import UsageError
from privxray.formats.tensors import ModulusBits, TensorSpec
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.methods import Progress, Tensors, softmax, validated
from privxray.learning.private_optimizer import PrivateOptimizer
from privxray.learning.small_cnn import SmallCnn, as_input, initial_weights
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.noise import NoiseSource, SecureNoise
from privxray.privacy.releases import ReleaseStore
from privxray.privacy.sampling import poisson_sample

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus.grad_sample import GradSampleModule

_CHUNK_IMAGES = 128  # images whose gradients are in memory at once; the sum does not depend on it
_PREDICT_IMAGES = 256


class DpSgd:
    """The method ``dp-sgd``; see :class:`privxray.learning.methods.Method` for the interface."""

    name = "dp-sgd"
    modulus_bits: ModulusBits = 32
    inputs: Literal["features", "pixels"] = "pixels"
    default_rounds = 4

    def constants(self, overrides: Mapping[str, object]) -> DpSgdConstants:
        """See the interface."""
        return validated(DpSgdConstants, overrides)

    def manifest(self, constants: DpSgdConstants, classes: Sequence[str]) -> tuple[TensorSpec, ...]:
        """How far each parameter moved in the round."""
        return tuple(
            TensorSpec(
                name=name,
                shape=weights.shape,
                bound=constants.delta_bound,
                fraction_bits=constants.fraction_bits,
            )
            for name, weights in initial_weights(len(classes)).items()
        )

    def starting_model(self, constants: DpSgdConstants, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
        """See :func:`privxray.learning.small_cnn.initial_weights`."""
        return dict(initial_weights(len(classes)))

    def round_events(self, constants: DpSgdConstants, noise: float) -> list[Event]:
        """The steps of one round."""
        q = constants.sampling_rate
        kind: Literal["gaussian", "poisson-gaussian"] = "gaussian" if q == 1.0 else "poisson-gaussian"
        return [Event(kind=kind, noise=noise, count=constants.steps, q=q)]

    def plan_noise(
        self,
        constants: DpSgdConstants,
        epsilon: float,
        delta: float,
        *,
        rounds_left: int,
        past: Sequence[Event],
    ) -> float:
        """See the interface."""
        return calibrate(
            lambda noise: self.round_events(constants, noise) * rounds_left, epsilon, delta, past=past
        )

    def train(
        self,
        data: TrainingData,
        constants: DpSgdConstants,
        classes: Sequence[str],
        noise: float,
        start: Tensors,
        releases: ReleaseStore,
        progress: Progress | None = None,
        *,
        source: NoiseSource | None = None,
    ) -> dict[str, NDArray[np.float64]]:
        """See the interface. Release t is the whole state after step t + 1: weights and momentum."""
        require_size(data.inputs, constants)
        data.one_hot(len(classes))  # checks the labels
        trainer = _Trainer(data, constants, len(classes), noise, start, source or SecureNoise())
        latest = releases.latest()
        if latest is not None:
            saved = releases.load(latest)
            if saved is not None:
                trainer.restore(saved)
        for step in range(0 if latest is None else latest + 1, constants.steps):
            trainer.step()
            releases.save(step, trainer.state())
            releases.discard_before(step)
            if progress:
                progress(step + 1, constants.steps)
        bound = constants.delta_bound
        return {
            name: np.clip(weights.astype(np.float64) - start[name], -bound, bound)
            for name, weights in trainer.weights().items()
        }

    def combine(
        self,
        sums: Tensors,
        hospitals: int,
        constants: DpSgdConstants,
        classes: Sequence[str],
        start: Tensors,
    ) -> dict[str, NDArray[Any]]:
        """Federated averaging (McMahan et al. 2017) with equal weights: start + sum / hospitals.

        Equal, because a weight by the number of patients would have to be a charged release.
        """
        return {name: (start[name] + sums[name] / hospitals).astype(np.float32) for name in start}

    def local_model(
        self, vector: Tensors, constants: DpSgdConstants, classes: Sequence[str], start: Tensors
    ) -> dict[str, NDArray[Any]]:
        """See the interface."""
        return self.combine(vector, 1, constants, classes, start)

    def probabilities(
        self, model: Tensors, inputs: NDArray[Any], constants: DpSgdConstants, classes: Sequence[str]
    ) -> NDArray[np.float64]:
        """See the interface."""
        require_size(inputs, constants)
        network = _network(model, len(classes))
        with torch.no_grad():
            batches = [
                network(as_input(inputs[at : at + _PREDICT_IMAGES])).numpy()
                for at in range(0, len(inputs), _PREDICT_IMAGES)
            ]
        return softmax(np.concatenate(batches)) if batches else np.empty((0, len(classes)))


def require_size(pixels: NDArray[Any], constants: DpSgdConstants) -> None:
    """:raises UsageError: not [N, H, W] uint8 of the plan's size."""
    size = constants.image_size
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[1:] != (size, size):
        raise UsageError(f"this method takes 8-bit grey images of {size} x {size} pixels")


class _Trainer:
    """The state of one hospital's round: weights, momentum, and the patients' images."""

    def __init__(
        self,
        data: TrainingData,
        constants: DpSgdConstants,
        classes: int,
        noise: float,
        start: Tensors,
        source: NoiseSource,
    ) -> None:
        self._data = data
        self._constants = constants
        self._source = source
        order = np.argsort(data.patients, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(data.patients))[:-1])
        self._images = [group[: constants.images_per_patient] for group in groups]
        self._network = GradSampleModule(_network(start, classes), loss_reduction="sum")
        self._parameters = dict(self._network._module.named_parameters())
        self._sgd = torch.optim.SGD(
            self._network.parameters(), lr=constants.learning_rate, momentum=constants.momentum
        )
        self._optimizer = PrivateOptimizer(
            self._sgd,
            noise=noise,
            clipping_norm=constants.clipping_norm,
            expected_batch_size=constants.expected_batch_size,
            source=source,
        )

    def step(self) -> None:
        """One step on one Poisson sample, in chunks of bounded memory; an empty sample steps with noise
        alone.
        """
        sample = poisson_sample(len(self._images), self._constants.sampling_rate, self._source)
        for chunk in self._chunks(sample):
            self._patient_gradients(chunk)
            self._optimizer.signal_skip_step(True)
            self._optimizer.step()
            self._optimizer.zero_grad()
        for parameter in self._parameters.values():
            parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))
        self._optimizer.step()
        self._optimizer.zero_grad()

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The parameters by name."""
        return {name: p.detach().numpy().copy() for name, p in self._parameters.items()}

    def state(self) -> dict[str, NDArray[np.float32]]:
        """All that the next step needs."""
        momentum = {
            f"momentum.{name}": self._sgd.state[p]["momentum_buffer"].numpy().copy()
            for name, p in self._parameters.items()
            if self._sgd.state[p].get("momentum_buffer") is not None
        }
        return {f"weights.{name}": value for name, value in self.weights().items()} | momentum

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state that :meth:`state` gave."""
        for name, parameter in self._parameters.items():
            parameter.data = torch.from_numpy(saved[f"weights.{name}"].copy())
            momentum = saved.get(f"momentum.{name}")
            if momentum is not None:
                self._sgd.state[parameter]["momentum_buffer"] = torch.from_numpy(momentum.copy())

    def _chunks(self, sample: NDArray[np.int64]) -> Iterator[list[NDArray[np.int64]]]:
        """The images of the sampled patients, patient by patient, some 128 images at a time."""
        chunk: list[NDArray[np.int64]] = []
        size = 0
        for patient in sample:
            images = self._images[patient]
            if chunk and size + len(images) > _CHUNK_IMAGES:
                yield chunk
                chunk, size = [], 0
            chunk.append(images)
            size += len(images)
        if chunk:
            yield chunk

    def _patient_gradients(self, chunk: list[NDArray[np.int64]]) -> None:
        """Leave the mean gradient of each patient of ``chunk`` in ``grad_sample``: [patients, ...].

        The loss is a sum over images with weights that sum to 1 in each patient, so adding up a patient's
        rows gives the gradient of that patient's mean loss. Patients are not padded to one length: the
        rows are added by patient number instead, which is the same sum without the zeros.
        """
        images = np.concatenate(chunk)
        lengths = np.array([len(group) for group in chunk])
        owner = torch.from_numpy(np.repeat(np.arange(len(chunk)), lengths))
        weights = torch.from_numpy(np.repeat(1.0 / lengths, lengths)).float()
        logits = self._network(as_input(self._data.inputs[images]))
        labels = torch.from_numpy(self._data.labels[images])
        loss = (weights * cross_entropy(logits, labels, reduction="none")).sum()
        with warnings.catch_warnings():
            # Images need no gradient, which torch thinks worth a warning where Opacus hooks the first layer.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            loss.backward()  # type: ignore[no-untyped-call]
        for parameter in self._parameters.values():
            rows = parameter.grad_sample
            summed = rows.new_zeros((len(chunk), *parameter.shape))
            parameter.grad_sample = summed.index_add_(0, owner, rows)


def _network(weights: Tensors, classes: int) -> SmallCnn:
    network = SmallCnn(classes)
    network.load_state_dict({name: torch.from_numpy(np.array(w, np.float32)) for name, w in weights.items()})
    return network
