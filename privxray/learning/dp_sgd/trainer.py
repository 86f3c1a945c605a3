"""The steps of DP-SGD in one hospital: sample patients, average each one's gradients, clip, sum, noise, step.

Opacus computes the per-image gradients and drives the optimiser. Its ``make_private``, data loader and batch
memory manager are not used: they take the sampling rate and the divisor from the number of records.
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
from privxray.learning.dp_sgd.patient_gradients import PatientGradients, Work
from privxray.learning.dp_sgd.private_optimizer import PrivateOptimizer
from privxray.learning.dp_sgd.separable import require_separable
from privxray.learning.dp_sgd.views import draw_views
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import NoiseSource

_CHUNK_IMAGES = 64  # at most so many images at once; results do not depend on it beyond rounding
_CHUNK_BYTES = {"cpu": 1 << 29, "cuda": 1 << 31}  # and at most so much of gradients


class Trainer:
    """The state of one hospital's round: weights, momentum, and the patients' images.

    It runs on the GPU where there is one; noise and sampling are drawn on the CPU all the same.

    :raises RefusedError: a network that mixes patients.
    """

    def __init__(
        self,
        data: TrainingData,
        constants: DpSgdConstants,
        classes: int,
        mechanism: SampledGaussian,
        start: Mapping[str, NDArray[Any]],
        source: NoiseSource,
    ) -> None:
        self._data = data
        self._constants = constants
        self._mechanism = mechanism
        self._source = source
        order = np.argsort(data.patients, kind="stable")
        self._images = np.split(order, np.cumsum(np.bincount(data.patients))[:-1])
        self._device = device()
        model = network(constants.network, start, classes)
        require_separable(model, constants.image_size)
        with _explained("this network"):
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
        """One step on one Poisson sample, in chunks; an empty sample steps with noise alone.

        Where memory runs out the chunk is halved and the same sample goes on: no noise was drawn for it yet.

        :raises SystemTroubleError: there is no memory for one image.
        """
        work = self._work(self._mechanism.sample(len(self._images), self._source))
        at = 0
        while at < len(work):
            end = min(at + self._limit, len(work))
            if self._add_chunk(work, at, end):
                at = end
            else:
                self._smaller_chunks()
        with _explained("a step of this network"):
            self._optimizer_step([p.new_zeros((0, *p.shape)) for p in self._parameters.values()])

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The parameters by name."""
        return {name: p.detach().cpu().numpy().copy() for name, p in self._parameters.items()}

    def state(self) -> dict[str, NDArray[np.float32]]:
        """All that the next step needs."""
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

    def _work(self, sample: NDArray[np.int64]) -> Work:
        """Every view of every image of the sampled patients, with what it weighs in its patient's mean."""
        constants = self._constants
        groups = [self._images[patient] for patient in sample]
        lengths = np.array([len(group) for group in groups], dtype=np.int64)
        images = np.concatenate(groups) if groups else np.empty(0, dtype=np.int64)
        views = constants.views
        moves = draw_views(len(images), views, constants.view_flip, constants.view_shift, self._source)
        return Work(
            owners=np.repeat(np.arange(len(groups)), lengths * views),
            images=np.repeat(images, views),
            weights=np.repeat(1.0 / (lengths * views), lengths * views),
            views=moves,
        )

    def _add_chunk(self, work: Work, start: int, end: int) -> bool:
        """Clip and sum the patients whose last image lies in this part; False where memory ran out."""
        try:
            rows, unfinished = self._gradients.of(work, start, end, self._limit)
            self._optimizer.signal_skip_step(True)
            self._optimizer_step(rows)
            self._gradients.carry = unfinished
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            # Past this line nothing may hold the failed pass's tensors, its traceback least of all.
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
def _explained(what: str) -> Iterator[None]:
    """Memory that runs out in the block, where nothing smaller could be tried, is one line."""
    try:
        yield
    except RuntimeError as error:
        if _out_of_memory(error):
            raise _too_little_memory(what) from None
        raise


def _too_little_memory(what: str) -> SystemTroubleError:
    return SystemTroubleError(
        f"memory does not suffice for {what}",
        advice="Free some, or train on a machine with more; the training goes on, and nothing is paid twice",
    )


def _out_of_memory(error: RuntimeError) -> bool:
    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
