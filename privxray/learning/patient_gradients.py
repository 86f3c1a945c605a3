"""Each patient's mean gradient over images and their views, in bounded memory, whatever a patient has."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from privxray.learning.data import TrainingData
from privxray.learning.networks import as_input
from privxray.learning.views import Views

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

    def of(self, work: Work, start: int, end: int) -> tuple[list[torch.Tensor], list[torch.Tensor] | None]:
        """The mean gradients of the patients that end in ``work[start:end]``, in float64.

        The loss is a sum over views with weights that sum to 1 in each patient, so adding up a patient's
        rows gives the gradient of that patient's mean loss. Patients are not padded to one length: the
        rows are added by patient number instead, which is the same sum without the zeros.

        :returns: for each parameter [patients, ...]; and the new carry, or None where the last one ends too.
        """
        self._backward(work, start, end)
        owners = work.owners[start:end] - work.owners[start]
        patients = int(owners[-1]) + 1
        places = torch.from_numpy(owners).to(self._device)
        rows = []
        for parameter in self._hooked._module.parameters():
            summed = torch.zeros((patients, *parameter.shape), dtype=torch.float64, device=self._device)
            rows.append(summed.index_add_(0, places, parameter.grad_sample.double()))
            parameter.grad_sample = None
        if self.carry is not None:
            for row, so_far in zip(rows, self.carry, strict=True):
                row[0] += so_far
        if end < len(work) and work.owners[end] == work.owners[end - 1]:
            return [row[:-1] for row in rows], [row[-1].clone() for row in rows]
        return rows, None

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

    def _backward(self, work: Work, start: int, end: int) -> None:
        images = work.images[start:end]
        pixels = work.views[start:end].of(self._data.inputs[images])
        labels = torch.from_numpy(self._data.labels[images]).to(self._device)
        weights = torch.from_numpy(work.weights[start:end]).float().to(self._device)
        with warnings.catch_warnings(), _plain_convolutions():
            # Images need no gradient, which torch thinks worth a warning where Opacus hooks the first layer.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            logits = self._hooked(as_input(pixels).to(self._device))
            loss = (weights * cross_entropy(logits, labels, reduction="none")).sum()
            loss.backward()  # type: ignore[no-untyped-call]


def _plain_convolutions() -> AbstractContextManager[None]:
    """float32 on a GPU as on a CPU: TF32 keeps 10 bits, and benchmarks let the chunk choose the method."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
