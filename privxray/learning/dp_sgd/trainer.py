"""The steps of DP-SGD in one hospital: sample, average each patient's gradients, clip, sum, add noise, move.

Opacus computes the gradients of the images and drives the optimiser. Its ``make_private``, its data loader
and its batch memory manager are not used, because they take the sampling rate and the divisor from the number
of records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.errors import SystemTroubleError
from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import device, network
from privxray.learning.dp_sgd.patient_gradients import Batch, PatientGradients
from privxray.learning.dp_sgd.private_optimizer import PrivateOptimizer
from privxray.learning.dp_sgd.separable import require_separable
from privxray.learning.dp_sgd.views import draw_views
from privxray.learning.interface import Task
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import NoiseSource

_CHUNK_IMAGES = 64  # the most images at once; results depend on it only through rounding
_CHUNK_BYTES = {"cpu": 1 << 29, "cuda": 1 << 31}  # the most memory for their gradients


class Trainer:
    """One hospital's round in progress: weights, momentum, and the patients' images.

    It runs on the GPU, if there is one. Noise and samples are drawn on the CPU in any case.

    :param mechanism: draws samples and noise; it is what the ledger was charged for.
    :param source: where samples, views and noise come from.
    :raises RefusedError: the network can't be trained with privacy per patient.
    :raises SystemTroubleError: there is too little memory for the network.
    """

    def __init__(
        self,
        data: TrainingData,
        task: Task[DpSgdConstants],
        mechanism: SampledGaussian,
        source: NoiseSource,
    ) -> None:
        constants = task.constants
        self._constants = constants
        self._mechanism = mechanism
        self._source = source
        order = np.argsort(data.patients, kind="stable")
        self._images = np.split(order, np.cumsum(np.bincount(data.patients))[:-1])
        self._device = device()
        model = network(constants.network, task.start, len(task.classes))
        require_separable(model, constants.image_size)
        with _memory_explained("this network"):
            model.to(self._device)
        self._gradients = PatientGradients(model, data)
        self._parameters = dict(model.named_parameters())
        self._sgd = torch.optim.SGD(
            model.parameters(), lr=constants.learning_rate, momentum=constants.momentum
        )
        self._optimizer = PrivateOptimizer(
            self._sgd, mechanism, expected_batch_size=constants.expected_batch_size, source=source
        )
        size = 4 * sum(p.numel() for p in model.parameters())
        self._limit = max(1, min(_CHUNK_IMAGES, _CHUNK_BYTES[self._device.type] // size))

    def step(self) -> None:
        """Make one step on one Poisson sample, in chunks. An empty sample makes a step of noise alone.

        If memory runs out, the chunk is halved and the same sample goes on: no noise was drawn for it yet.

        :raises SystemTroubleError: there is too little memory even for one image.
        """
        batch = self._batch(self._mechanism.sample(len(self._images), self._source))
        at = 0
        while at < len(batch):
            end = min(at + self._limit, len(batch))
            if self._add_chunk(batch, at, end):
                at = end
            else:
                self._smaller_chunks()
        with _memory_explained("a step of this network"):
            self._optimizer_step([p.new_zeros((0, *p.shape)) for p in self._parameters.values()])

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The parameters by their names."""
        return {name: p.detach().cpu().numpy().copy() for name, p in self._parameters.items()}

    def state(self) -> dict[str, NDArray[np.float32]]:
        """All that the next step needs: weights, and the momentum once there is one."""
        momentum = {
            f"momentum.{name}": self._sgd.state[p]["momentum_buffer"].cpu().numpy().copy()
            for name, p in self._parameters.items()
            if self._sgd.state[p].get("momentum_buffer") is not None
        }
        return {f"weights.{name}": value for name, value in self.weights().items()} | momentum

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state that :meth:`state` gave."""

        def here(values: NDArray[Any]) -> torch.Tensor:
            return torch.from_numpy(values.copy()).to(self._device)

        for name, parameter in self._parameters.items():
            parameter.data = here(saved[f"weights.{name}"])
            momentum = saved.get(f"momentum.{name}")
            if momentum is not None:
                self._sgd.state[parameter]["momentum_buffer"] = here(momentum)

    def _batch(self, sample: NDArray[np.int64]) -> Batch:
        """Every view of every image of the sampled patients, with its weight in its patient's mean."""
        constants = self._constants
        groups = [self._images[patient] for patient in sample]
        lengths = np.array([len(group) for group in groups], dtype=np.int64)
        images = np.concatenate(groups) if groups else np.empty(0, dtype=np.int64)
        views = constants.views
        moves = draw_views(len(images), views, constants.view_flip, constants.view_shift, self._source)
        return Batch(
            owners=np.repeat(np.arange(len(groups)), lengths * views),
            images=np.repeat(images, views),
            weights=np.repeat(1.0 / (lengths * views), lengths * views),
            views=moves,
        )

    def _add_chunk(self, batch: Batch, start: int, end: int) -> bool:
        """Clip and add up the patients whose last view is in this part; False if memory ran out."""
        try:
            rows, unfinished = self._gradients.of(batch, start, end, self._limit)
            self._optimizer.signal_skip_step(True)
            self._optimizer_step(rows)
            self._gradients.carry = unfinished
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            # After this line nothing holds the tensors of the failed pass; its traceback would.
            return False
        return True

    def _smaller_chunks(self) -> None:
        self._optimizer.forget_skips()
        self._gradients.recover()
        if self._limit == 1:
            raise _too_little_memory("one image of this network")
        self._limit = max(1, self._limit // 2)

    def _optimizer_step(self, rows: list[torch.Tensor]) -> None:
        for parameter, row in zip(self._optimizer.params, rows, strict=True):
            parameter.grad_sample = row
        self._optimizer.step()
        self._optimizer.zero_grad()


@contextmanager
def _memory_explained(what: str) -> Iterator[None]:
    """If memory runs out in the block, where nothing smaller can be tried, tell it in one line."""
    try:
        yield
    except RuntimeError as error:
        if _out_of_memory(error):
            raise _too_little_memory(what) from None
        raise


def _too_little_memory(what: str) -> SystemTroubleError:
    return SystemTroubleError(
        f"there is too little memory for {what}",
        reason="system.memory",
        advice="Close other programs, or use a machine with more memory, then type the same command again; "
        "the training goes on, and no privacy is spent twice",
    )


def _out_of_memory(error: RuntimeError) -> bool:
    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
