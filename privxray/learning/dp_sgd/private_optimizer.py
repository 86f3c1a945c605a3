"""Opacus's DPOptimizer with our sums and our noise.

What differs from the parent, and why: patients are summed in float64, for a float32 sum of hundreds rounds by
more than the noise's allowance; a patient whose gradient is not finite contributes zero; and noise comes from
``privacy.noise`` in float64, added before the cast, where Opacus would ask torch's float32 generator.
"""

from __future__ import annotations

import torch
from opacus.optimizers import DPOptimizer

from privxray.privacy.mechanism import SampledGaussian
from privxray.privacy.noise import NoiseSource

BLOCK = 1 << 16  # columns that are float64 at a time: whole rows of a large network would not stay in a cache


class PrivateOptimizer(DPOptimizer):  # type: ignore[misc]
    """A DPOptimizer whose ``grad_sample`` has one row a patient.

    A step's sum has sensitivity ``mechanism.clipping_norm`` in the patient: each row is clipped to that
    length, and adding or removing a patient adds or removes one row. The divisor is the constant
    ``expected_batch_size``.
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

        All sums or none are changed: memory may run out half-way, and the same rows then come again.
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
                # 0 * NaN is NaN: the factor alone would not do.
                sums += factors @ part.double().where(finite[:, None], 0.0)
            totals.append(total)
        for p, total in zip(self.params, totals, strict=True):
            p.summed_grad = total

    def forget_skips(self) -> None:
        """Undo a ``signal_skip_step`` whose step failed."""
        self._step_skip_queue.clear()

    def add_noise(self) -> None:
        """Put the sum and its noise into ``grad``, cast to the parameter's type only afterwards.

        On the CPU, wherever the network is: noise that was drawn must not meet a device without memory.
        """
        for p in self.params:
            noise = torch.from_numpy(self._mechanism.draw(tuple(p.shape), self._source))
            p.grad = noise.add_(p.summed_grad.cpu()).to(p.dtype).to(p.device)
