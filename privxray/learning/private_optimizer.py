"""Opacus's DPOptimizer with our sums and our noise.

What differs from the parent, and why: patients are summed in float64, for a float32 sum of hundreds rounds by
more than the noise's allowance; a patient whose gradient is not finite contributes zero; and noise comes from
``privacy.noise`` in float64, added before the cast, where Opacus would ask torch's float32 generator.
"""

from __future__ import annotations

import torch
from opacus.optimizers import DPOptimizer

from privxray.privacy.noise import SENSITIVITY_INFLATION, NoiseSource


class PrivateOptimizer(DPOptimizer):  # type: ignore[misc]
    """A DPOptimizer whose ``grad_sample`` has one row a patient.

    A step's sum has sensitivity ``max_grad_norm`` in the patient: each row is clipped to that length, and
    adding or removing a patient adds or removes one row. The divisor is the constant ``expected_batch_size``.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        noise: float,
        clipping_norm: float,
        expected_batch_size: float,
        source: NoiseSource,
    ) -> None:
        super().__init__(
            optimizer,
            noise_multiplier=noise,
            max_grad_norm=clipping_norm,
            expected_batch_size=expected_batch_size,
            loss_reduction="mean",
        )
        self._source = source

    def clip_and_accumulate(self) -> None:
        """Clip the patients' rows and add them to ``summed_grad``, in float64."""
        rows = [p.grad_sample.flatten(start_dim=1).double() for p in self.params]
        norms = torch.stack([row.square().sum(dim=1) for row in rows]).sum(dim=0).sqrt()
        finite = torch.isfinite(norms)
        factors = (self.max_grad_norm / norms.clamp(min=self.max_grad_norm)).where(finite, 0.0)
        for p, row in zip(self.params, rows, strict=True):
            row = row.where(finite[:, None], 0.0)  # 0 * NaN is NaN: the factor alone would not do
            total = (factors @ row).view_as(p)
            p.summed_grad = total if p.summed_grad is None else p.summed_grad + total

    def add_noise(self) -> None:
        """Put the sum and its noise into ``grad``, cast to the parameter's type only afterwards."""
        std = self.noise_multiplier * self.max_grad_norm * SENSITIVITY_INFLATION
        for p in self.params:
            noise = torch.from_numpy(self._source.gaussian(tuple(p.shape), std))
            p.grad = (p.summed_grad + noise.to(p.summed_grad.device)).to(p.dtype)
