"""Opacus's DPOptimizer with our sums and our noise.

It differs from its parent in three ways. Patients are summed in float64, because a float32 sum of hundreds
rounds by more than ``SENSITIVITY_INFLATION`` allows for. A patient whose gradient is not finite contributes
zero. And noise comes from ``privacy.noise``, in float64, and is added before the cast; Opacus would take it
from torch's float32 generator.
"""

from __future__ import annotations

import torch
from opacus.optimizers import DPOptimizer

from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import NoiseSource

BLOCK = 1 << 16
"""How many columns are float64 at a time: whole rows of a large network would not stay in a cache."""


class PrivateOptimizer(DPOptimizer):  # type: ignore[misc]
    """A DPOptimizer whose ``grad_sample`` has one row for each patient.

    Each row is clipped to the length ``mechanism.clipping_norm``, and a patient more or less is a row more or
    less. So the sensitivity of a step's sum is ``mechanism.clipping_norm``.

    :param optimizer: makes the step.
    :param mechanism: says how long a row may be, and draws the noise.
    :param expected_batch_size: the constant that the noisy sum is divided by.
    :param source: where the noise comes from.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        mechanism: SampledGaussian,
        *,
        expected_batch_size: float,
        source: NoiseSource,
    ) -> None:
        super().__init__(
            optimizer,
            noise_multiplier=mechanism.noise,
            max_grad_norm=mechanism.clipping_norm,
            expected_batch_size=expected_batch_size,
            loss_reduction="mean",
        )
        self._mechanism = mechanism
        self._source = source

    def clip_and_accumulate(self) -> None:
        """Clip the patients' rows and add them to ``summed_grad``, in float64.

        Either all sums change or none. Memory may run out half-way, and then the same rows come again.
        """
        clip = self._mechanism.clipping_norm
        rows = [p.grad_sample.flatten(start_dim=1) for p in self.params]
        squares = torch.zeros(len(rows[0]), dtype=torch.float64, device=rows[0].device)
        for row in rows:
            for part in row.split(BLOCK, dim=1):
                squares += part.double().square().sum(dim=1)
        finite = torch.isfinite(squares)
        factors = (clip / squares.sqrt().clamp(min=clip)).where(finite, 0.0)
        totals = []
        for p, row in zip(self.params, rows, strict=True):
            total = (
                torch.zeros_like(p, dtype=torch.float64) if p.summed_grad is None else p.summed_grad.clone()
            )
            for sums, part in zip(total.view(-1).split(BLOCK), row.split(BLOCK, dim=1), strict=True):
                # 0 * NaN is NaN, so a factor of 0 is not enough.
                sums.add_(factors @ part.double().where(finite[:, None], 0.0))
            totals.append(total)
        for p, total in zip(self.params, totals, strict=True):
            p.summed_grad = total

    def forget_skips(self) -> None:
        """Undo a ``signal_skip_step`` whose step failed."""
        self._step_skip_queue.clear()

    def add_noise(self) -> None:
        """Put the sum and its noise into ``grad``. The cast to the parameter's type comes last.

        It happens on the CPU, wherever the network is: noise that was drawn must not be lost on a device
        without memory.
        """
        for p in self.params:
            noise = torch.from_numpy(self._mechanism.draw(tuple(p.shape), self._source))
            p.grad = noise.add_(p.summed_grad.cpu()).to(p.dtype).to(p.device)
