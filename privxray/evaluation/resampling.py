"""Intervals by the bootstrap over patients (Efron and Tibshirani 1993, chapter 13: percentiles).

The images of one patient belong together, so patients are drawn and not images. A drawn set of patients is
told by weights: how often each image counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REPLICATES = 1000
CONFIDENCE = 0.95
SEED = 20261128
"""Fixed, so that the same model on the same patients has the same interval each time it is asked for."""
_DEFINED = 0.9  # of the replicates; with fewer the interval would be one of the easy cases only


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    :ivar value: None where it is not defined, for instance where a class has no image.
    :ivar low: :ivar high: the interval's ends; None where too few drawn sets of patients define the figure.
    :ivar sd: the standard deviation over the drawn sets; None likewise.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    sd: float | None = None


def resampled_weights(patients: NDArray[np.int64], replicates: int = REPLICATES, seed: int = SEED) -> Floats:
    """How often each image counts in each of ``replicates`` sets of patients, drawn with replacement: [B, N].

    :param patients: [N] patient numbers; each of 0 .. P-1 occurs. Every set has P patients.
    """
    number = int(patients.max()) + 1
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = generator.multinomial(number, np.full(number, 1 / number), size=replicates)
    return drawn[:, patients].astype(np.float64)


def estimate(value: float, replicates: Floats) -> Estimate:
    """A figure with the interval that its replicates give.

    :param value: of all patients; NaN where it is not defined.
    :param replicates: [B] of the drawn sets, NaN likewise.
    """
    if np.isnan(value):
        return Estimate(None)
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < max(_DEFINED * len(replicates), 2):
        return Estimate(float(value))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high), float(defined.std(ddof=1)))
