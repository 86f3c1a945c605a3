"""Each patient's mean gradient over all images and their views, in bounded memory."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from privxray.learning.data import TrainingData
from privxray.learning.dp_sgd.networks import as_input
from privxray.learning.dp_sgd.private_optimizer import BLOCK
from privxray.learning.dp_sgd.views import Views

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus.grad_sample import GradSampleModule


@dataclass(frozen=True)
class Batch:
    """All views of all images of one step's patients, patient after patient.

    :param owners: [N] which of the step's patients a view belongs to, ascending from 0.
    :param images: [N] which image of the data it is a view of.
    :param weights: [N] one over the number of the patient's views, so each patient's weights sum to 1.
    :param views: the N views.
    """

    owners: NDArray[np.int64]
    images: NDArray[np.int64]
    weights: NDArray[np.float64]
    views: Views

    def __len__(self) -> int:
        return len(self.owners)


class PatientGradients:
    """The patients' gradients, by Opacus's hooks, for a part of a batch at a time.

    ``carry`` is the gradient so far of the patient whose views the last part did not finish: in float64,
    for each parameter, or None. The caller sets it once a part has been used, so a part that failed can be
    asked for again.

    :param network: to be trained.
    :param data: the patients' images.
    """

    def __init__(self, network: nn.Module, data: TrainingData) -> None:
        self._data = data
        self._hooked = GradSampleModule(network, loss_reduction="sum")
        self._device = next(network.parameters()).device
        self.carry: list[torch.Tensor] | None = None

    def of(
        self, batch: Batch, start: int, end: int, size: int
    ) -> tuple[list[torch.Tensor], list[torch.Tensor] | None]:
        """The mean gradients of the patients whose last view is in ``batch[start:end]``, in float32.

        The loss is a weighted sum over views, and each patient's weights sum to 1. So the sum of a
        patient's rows is the gradient of that patient's mean loss. Patients are not padded to one length:
        their rows are added up by patient number, which gives the same sums without the zeros.

        :param size: how many images the network sees at once, at least end - start; the rest is blank.
            Kernels round differently with the size of a batch, and that must not show how many patients a
            step has.
        :returns: for each parameter [patients, ...], and the new carry; None if the last patient ends here,
            too.
        """
        self._backward(batch, start, end, size)
        owners = torch.from_numpy(batch.owners[start:end] - batch.owners[start]).to(self._device)
        patients = int(owners[-1]) + 1
        rows = []
        for parameter in self._hooked._module.parameters():
            views, parameter.grad_sample = parameter.grad_sample[: len(owners)], None
            rows.append(views if patients == len(owners) else _added(views, owners, patients))
        if end < len(batch) and batch.owners[end] == batch.owners[end - 1]:
            unfinished = self._with_carry([row[-1] for row in rows], patients == 1)
            rows = [row[:-1] for row in rows]
        else:
            unfinished = None
        if self.carry is not None and len(rows[0]):
            for row, first in zip(rows, self._with_carry([row[0] for row in rows], True), strict=True):
                row[0] = first
        return rows, unfinished

    def _with_carry(self, row: list[torch.Tensor], first: bool) -> list[torch.Tensor]:
        """One patient's row in float64, plus the carry if it is the part's first patient."""
        if self.carry is None or not first:
            return [part.double() for part in row]
        return [part + so_far for part, so_far in zip(row, self.carry, strict=True)]

    def recover(self) -> None:
        """Forget a pass that failed in the middle. Opacus's hooks would go on from there otherwise."""
        network = self._hooked._module
        self._hooked.remove_hooks()
        for module in network.modules():
            for left in ("activations", "max_batch_len"):
                module.__dict__.pop(left, None)
        for parameter in network.parameters():
            parameter.__dict__.pop("_current_grad_sample", None)
            parameter.grad_sample = parameter.grad = None
        self._hooked = GradSampleModule(network, loss_reduction="sum")
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _backward(self, batch: Batch, start: int, end: int, size: int) -> None:
        images = batch.images[start:end]
        pixels = _filled_up(batch.views[start:end].of(self._data.inputs[images]), size)
        labels = torch.from_numpy(_filled_up(self._data.labels[images], size)).to(self._device)
        weights = torch.from_numpy(_filled_up(batch.weights[start:end], size)).float().to(self._device)
        with warnings.catch_warnings(), _plain_convolutions():
            # torch warns because images need no gradient where Opacus hooks the first layer.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            logits = self._hooked(as_input(pixels).to(self._device))
            loss = (weights * cross_entropy(logits, labels, reduction="none")).sum()
            loss.backward()  # type: ignore[no-untyped-call]


def _filled_up(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """[size, ...] these rows, and zeros after them."""
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])


def _added(views: torch.Tensor, owners: torch.Tensor, patients: int) -> torch.Tensor:
    """[patients, ...] the sums of each patient's rows, in float64 and back, a block of columns at a time.

    A product with a matrix of ones and zeros would not do: 0 * NaN is NaN, so a patient whose gradient is not
    finite would spoil the sums of all others.
    """
    flat = views.flatten(start_dim=1)
    rows = flat.new_empty((patients, flat.shape[1]))
    for at in range(0, flat.shape[1], BLOCK):
        part = flat[:, at : at + BLOCK].double()
        rows[:, at : at + BLOCK] = part.new_zeros((patients, part.shape[1])).index_add_(0, owners, part)
    return rows.view(patients, *views.shape[1:])


def _plain_convolutions() -> AbstractContextManager[None]:
    """Convolutions on a GPU in full float32, by a method that does not depend on the batch.

    TF32 would keep 10 bits only, and cuDNN's benchmark mode chooses a method by the size of the batch.
    """
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
