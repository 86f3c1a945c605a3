"""The steps of DP-SGD in one hospital: sample, average each patient's gradients, clip, sum, add noise, move.

A step is three things, each a method of its own: the exact sum (:meth:`Trainer.exact_sum`), the noise
(:meth:`.SampledGaussian.draw`), and the move (:meth:`Trainer.move`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.learning.constants import DpSgdConstants
from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.averaged_weights import AveragedWeights
from privxray.learning.dp_sgd.clipped_sum import ClippedSum
from privxray.learning.dp_sgd.image_gradients import ImageGradients, Images
from privxray.learning.dp_sgd.independence import largest_independent
from privxray.learning.dp_sgd.memory import (
    forget_memory,
    memory_explained,
    out_of_memory,
    portion,
    too_little_memory,
)
from privxray.learning.dp_sgd.network_inputs import inputs_of
from privxray.learning.dp_sgd.networks import device, network
from privxray.learning.dp_sgd.separable import require_separable
from privxray.learning.dp_sgd.step_batch import StepBatch, draw_batch
from privxray.learning.dp_sgd.views import ViewTerms
from privxray.learning.interface import Task
from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import NoiseSource


class Trainer:
    """One hospital's round in progress: weights, their average, momentum, and the patients' images.

    It runs on the GPU, if there is one. Noise and samples are drawn on the CPU in any case.

    :param mechanism: draws samples and noise; it is what the ledger was charged for.
    :param source: where samples, views and noise come from.
    :raises RefusedError: the network can't be trained with privacy per patient, or not on this device.
    :raises SystemTroubleError: there is too little memory for the network.
    """

    def __init__(
        self,
        data: TrainingData,
        task: Task[DpSgdConstants],
        mechanism: SampledGaussian,
        source: NoiseSource,
    ) -> None:
        self._constants = constants = task.constants
        self._data = data
        self._mechanism = mechanism
        self._source = source
        order = np.argsort(data.patients, kind="stable")
        counts = np.bincount(data.patients)
        self._images = np.split(order, np.cumsum(counts)[:-1]) if len(counts) else []
        self._device = device()
        model = network(constants.network, task.start, len(task.classes))
        self._inputs = inputs_of(constants)
        require_separable(model, self._inputs.shape)
        with memory_explained("this network"):
            model.to(self._device)
        self._gradients = ImageGradients(model)
        self._parameters = dict(model.named_parameters())
        self._sgd = torch.optim.SGD(
            model.parameters(), lr=constants.learning_rate, momentum=constants.momentum
        )
        self._average = AveragedWeights(constants.averaging)
        self._independent = partial(largest_independent, model, task)
        self._portion = self._independent(portion(model, self._inputs.shape))

    def step(self) -> None:
        """Make one step on one Poisson sample. An empty sample makes a step of noise alone.

        :raises SystemTroubleError: there is too little memory even for one image.
        """
        batch = self.draw_batch()
        exact = self.exact_sum(batch)
        # A GPU is still working on the sum here, while the CPU draws.
        noise = [self._mechanism.draw(tuple(part.shape), self._source) for part in exact]
        with memory_explained("a step of this network"):
            self.move(
                [
                    part.add_(torch.from_numpy(n).to(self._device))
                    for part, n in zip(exact, noise, strict=True)
                ]
            )

    def draw_batch(self) -> StepBatch:
        """Sample the patients of a step, and how the views of their images are moved."""
        sample = self._mechanism.sample(len(self._images), self._source)
        constants = self._constants
        terms = ViewTerms(constants.views, constants.view_flip, constants.view_shift, self._inputs.mirroring)
        return draw_batch([self._images[patient] for patient in sample], terms, self._source)

    def exact_sum(self, batch: StepBatch) -> list[torch.Tensor]:
        """What noise is added to: the sum over the batch's patients of their clipped mean gradients.

        A tensor in float64 for each parameter, in the order of :meth:`weights`. If memory runs out, it goes
        on with half as many images at once.

        :raises SystemTroubleError: there is too little memory even for one image.
        """
        shapes = [p.shape for p in self._parameters.values()]
        clip = self._constants.clipping_norm
        with memory_explained("a step of this network"):
            total = ClippedSum(shapes, clip, self._device)
        at = 0
        while at < len(batch):
            at = self._add_images(batch, at, total)
        with memory_explained("a step of this network"):
            return total.total()

    def move(self, noisy_sum: Sequence[torch.Tensor]) -> None:
        """Move the weights along a noisy sum: a tensor in float64 for each parameter, overwritten.

        It is rounded to float32 last.
        """
        for parameter, part in zip(self._parameters.values(), noisy_sum, strict=True):
            parameter.grad = part.div_(self._constants.expected_batch_size).float()
        self._sgd.step()
        self._sgd.zero_grad()
        if self._constants.averaging:
            self._average.add(self.weights())

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The parameters by their names, after the last step."""
        return {name: p.detach().cpu().numpy().copy() for name, p in self._parameters.items()}

    def averaged_weights(self) -> dict[str, NDArray[np.float64]]:
        """What leaves after all steps: the weights' average, or the last ones where the plan wants none."""
        if self._constants.averaging:
            return self._average.mean(self._constants.steps)
        return {name: weights.astype(np.float64) for name, weights in self.weights().items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next step needs: weights, momentum once there is one, and the average if there is."""
        momentum = {
            f"momentum.{name}": self._sgd.state[p]["momentum_buffer"].cpu().numpy().copy()
            for name, p in self._parameters.items()
            if self._sgd.state[p].get("momentum_buffer") is not None
        }
        weights = {f"weights.{name}": value for name, value in self.weights().items()}
        return weights | momentum | self._average.state()

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state that :meth:`state` gave."""

        def here(values: NDArray[Any]) -> torch.Tensor:
            return torch.from_numpy(values.copy()).to(self._device)

        self._average.restore(saved)
        for name, parameter in self._parameters.items():
            parameter.data = here(saved[f"weights.{name}"])
            momentum = saved.get(f"momentum.{name}")
            if momentum is not None:
                self._sgd.state[parameter]["momentum_buffer"] = here(momentum)

    def _add_images(self, batch: StepBatch, start: int, total: ClippedSum) -> int:
        """Add the images from this one on that the network sees at once, and say which one is next.

        If memory runs out, fewer are seen at once from then on, and those that were not added come again.
        """
        at, size, group = start, self._portion.images, self._portion.group
        ends = batch.ends()
        try:
            for rows in self._gradients.rows(self._seen(batch, start), group):
                stop = min(at + group, start + size, len(batch))
                total.add(rows, batch.owners[at:stop], ends[at:stop])
                at = stop
                if at == len(batch):
                    break
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if not total.whole:
                raise too_little_memory("a step of this network") from None
            # After this line nothing holds the tensors of the failed pass; its traceback would.
        else:
            return at
        forget_memory(self._device)
        self._portion = self._independent(self._portion.halved())
        return at

    def _seen(self, batch: StepBatch, start: int) -> Images:
        """What the network sees at once: images from ``start`` on, and blank ones after the last."""
        size = self._portion.images
        part = slice(start, start + size)
        images = batch.images[part]
        seen = self._inputs.seen(self._data.inputs[images], batch.views[part])
        blank = seen.new_zeros((size - len(seen), *seen.shape[1:]))
        return Images(
            torch.cat([seen, blank]),
            torch.from_numpy(_filled_up(self._data.labels[images], size)),
            torch.from_numpy(_filled_up(batch.weights[part], size)).float(),
        ).to(self._device)


def _filled_up(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """[size, ...] these rows, and zeros after them."""
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])
