"""The steps of DP-SGD in one hospital: sample patients, average each one's gradients, clip, sum, noise, step.

Opacus computes the per-image gradients and drives the optimiser. Its ``make_private``, data loader and batch
memory manager are not used: they take the sampling rate and the divisor from the number of records.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.private_optimizer import PrivateOptimizer
from privxray.learning.small_cnn import as_input, network
from privxray.privacy.noise import NoiseSource
from privxray.privacy.sampling import poisson_sample

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus.grad_sample import GradSampleModule

_CHUNK_IMAGES = 128  # images whose gradients are in memory at once; the sum does not depend on it


class Trainer:
    """The state of one hospital's round: weights, momentum, and the patients' images."""

    def __init__(
        self,
        data: TrainingData,
        constants: DpSgdConstants,
        classes: int,
        noise: float,
        start: Mapping[str, NDArray[Any]],
        source: NoiseSource,
    ) -> None:
        self._data = data
        self._constants = constants
        self._source = source
        order = np.argsort(data.patients, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(data.patients))[:-1])
        self._images = [group[: constants.images_per_patient] for group in groups]
        self._network = GradSampleModule(network(start, classes), loss_reduction="sum")
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
        """One step on one Poisson sample, in chunks; an empty sample steps with noise alone."""
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
