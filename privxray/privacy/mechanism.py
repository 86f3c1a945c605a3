"""The sampled Gaussian mechanism as one object: what is drawn and what is charged come from the same numbers.

The mistakes happen between the parts: the sampler has a rate that the accountant was not told, noise is
scaled to another clip than the one applied, or one step more is taken than was charged. So whoever trains
by DP-SGD holds one of these objects, takes sample and noise from it, and charges what it says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.events import Event, steps_of
from privxray.privacy.noise import SENSITIVITY_INFLATION, NoiseSource
from privxray.privacy.sampling import poisson_sample


@dataclass(frozen=True)
class SampledGaussian:
    """``steps`` noisy sums over Poisson samples of patients, each patient's part clipped (Abadi et al. 2016).

    :param rate: q in (0, 1], the probability with which each patient takes part in a step, independently.
    :param clipping_norm: C > 0, the largest Euclidean norm of a patient's part, and so the sum's sensitivity.
    :param noise: s > 0, the noise multiplier: the standard deviation of each coordinate's noise is s C.
    :param steps: T >= 1, the number of steps.
    :raises ValueError: out of range, or not finite.
    """

    rate: float
    clipping_norm: float
    noise: float
    steps: int

    def __post_init__(self) -> None:
        if not (
            0.0 < self.rate <= 1.0
            and 0.0 < self.clipping_norm < math.inf
            and 0.0 < self.noise < math.inf
            and self.steps >= 1
        ):
            raise ValueError("a sampled Gaussian mechanism has a rate in (0, 1] and finite numbers above 0")

    def events(self) -> list[Event]:
        """What all steps together cost, as the ledger is charged for them."""
        return [steps_of(self.noise, self.rate, self.steps)]

    def sample(self, patients: int, source: NoiseSource) -> NDArray[np.int64]:
        """The patients of one step, ascending out of 0 .. ``patients`` - 1; there may be none."""
        return poisson_sample(patients, self.rate, source)

    def draw(self, shape: tuple[int, ...], source: NoiseSource) -> NDArray[np.float64]:
        """The noise of one step for coordinates of this shape, in float64."""
        return source.gaussian(shape, self.noise * self.clipping_norm * SENSITIVITY_INFLATION)
