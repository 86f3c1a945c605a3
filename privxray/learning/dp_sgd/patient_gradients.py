"""Each patient's mean gradient over images and their views, in bounded memory, whatever a patient has."""

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
class Work:
    """A step's views in the order of their patients.

    :param owners: [N] which of the step's patients, ascending from 0.
    :param images: [N] places in the data.
    :param weights: [N] one over the number of the patient's views: they sum to 1 for each patient.
    :param views: the N views.
    """

    owners: NDArray[np.int64]
    images: NDArray[np.int64]
    weights: NDArray[np.float64]
    views: Views

    def __len__(self) -> int:
        return len(self.owners)


class PatientGradients:
    """Per-patient gradients by Opacus's hooks, a part of a step's work at a time.

    ``carry`` is the gradient so far of the patient whose views the last part did not finish. The caller sets
    it once a part is done with, so that a part that failed can be asked for again.
    """

    def __init__(self, network: nn.Module, data: TrainingData) -> None:
        self._data = data
        self._hooked = GradSampleModule(network, loss_reduction="sum")
        self._device = next(network.parameters()).device
        self.carry: list[torch.Tensor] | None = None

    def of(
        self, work: Work, start: int, end: int, size: int
    ) -> tuple[list[torch.Tensor], list[torch.Tensor] | None]:
        """The mean gradients of the patients that end in ``work[start:end]``, in float32.

        The loss is a sum over views with weights that sum to 1 in each patient, so adding up a patient's
        rows gives the gradient of that patient's mean loss. Patients are not padded to one length: the
        rows are added by patient number instead, which is the same sum without the zeros.

        :param size: how many images the network sees at once, blank ones after the last: kernels round
            differently with the size of a batch, and that must not tell how many patients a step has.
        :returns: for each parameter [patients, ...]; and the new carry in float64, or None where the last one
            ends too.
        """
        self._backward(work, start, end, size)
        owners = torch.from_numpy(work.owners[start:end] - work.owners[start]).to(self._device)
        patients = int(owners[-1]) + 1
        rows = []
        for parameter in self._hooked._module.parameters():
            views, parameter.grad_sample = parameter.grad_sample[: len(owners)], None
            rows.append(views if patients == len(owners) else _added(views, owners, patients))
        if end < len(work) and work.owners[end] == work.owners[end - 1]:
            unfinished = self._with_carry([row[-1] for row in rows], patients == 1)
            rows = [row[:-1] for row in rows]
        else:
            unfinished = None
        if self.carry is not None and len(rows[0]):
            for row, first in zip(rows, self._with_carry([row[0] for row in rows], True), strict=True):
                row[0] = first
        return rows, unfinished

    def _with_carry(self, row: list[torch.Tensor], first: bool) -> list[torch.Tensor]:
        """One patient's row in float64; with the carry, where it is the part's first patient."""
        if self.carry is None or not first:
            return [part.double() for part in row]
        return [part + so_far for part, so_far in zip(row, self.carry, strict=True)]

    def recover(self) -> None:
        """Forget a pass that failed in the middle: Opacus's hooks would go on counting from there."""
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

    def _backward(self, work: Work, start: int, end: int, size: int) -> None:
        images = work.images[start:end]
        pixels = _filled_up(work.views[start:end].of(self._data.inputs[images]), size)
        labels = torch.from_numpy(_filled_up(self._data.labels[images], size)).to(self._device)
        weights = torch.from_numpy(_filled_up(work.weights[start:end], size)).float().to(self._device)
        with warnings.catch_warnings(), _plain_convolutions():
            # Images need no gradient, which torch thinks worth a warning where Opacus hooks the first layer.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            logits = self._hooked(as_input(pixels).to(self._device))
            loss = (weights * cross_entropy(logits, labels, reduction="none")).sum()
            loss.backward()  # type: ignore[no-untyped-call]


def _filled_up(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """``size`` rows: these, and zeros."""
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])


def _added(views: torch.Tensor, owners: torch.Tensor, patients: int) -> torch.Tensor:
    """The rows of each patient's views added up, in float64 and back, a block of columns at a time.

    Not by a product with a matrix of ones and zeros: 0 * NaN is NaN, and a patient whose gradient is not
    finite would take everybody else's with it.
    """
    flat = views.flatten(start_dim=1)
    rows = flat.new_empty((patients, flat.shape[1]))
    for at in range(0, flat.shape[1], BLOCK):
        part = flat[:, at : at + BLOCK].double()
        rows[:, at : at + BLOCK] = part.new_zeros((patients, part.shape[1])).index_add_(0, owners, part)
    return rows.view(patients, *views.shape[1:])


def _plain_convolutions() -> AbstractContextManager[None]:
    """float32 on a GPU as on a CPU: TF32 keeps 10 bits, and benchmarks let the chunk choose the method."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
