"""Whether a model is right as often as it says: the expected calibration error and the table behind it.

Guo et al. 2017, "On Calibration of Modern Neural Networks", equations 1 to 3: images are put into bins of
equal width by the probability of their most probable class. In each bin the share that is right is held
against the mean of that probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.evaluation.weighted import binned_sums

Floats = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True)
class Bin:
    """One row of the reliability table.

    :ivar low: :ivar high: the probabilities that fall in it.
    :ivar said: their mean. :ivar right: the share of images that are right. Both None in an empty bin.
    """

    low: float
    high: float
    images: int
    said: float | None
    right: float | None


def reliability(probabilities: Floats, labels: NDArray[np.int64], bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability table."""
    confidence, right, places = _binned(probabilities, labels, bins)
    table = []
    for place in range(bins):
        inside = places == place
        number = int(inside.sum())
        said, share = (float(values[inside].mean()) if number else None for values in (confidence, right))
        table.append(Bin(place / bins, (place + 1) / bins, number, said, share))
    return tuple(table)


def calibration_error(
    probabilities: Floats, labels: NDArray[np.int64], weights: Floats, bins: int = BINS
) -> Floats:
    """[B] expected calibration errors: the mean over images of the gap between said and right in their bin.

    With few images it is too large even for a perfect model: each bin then holds a handful.
    """
    confidence, right, places = _binned(probabilities, labels, bins)
    gaps = np.abs(binned_sums(places, bins, confidence - right, weights)).sum(axis=1)
    return np.asarray(gaps / weights.sum(axis=1))


def _binned(
    probabilities: Floats, labels: NDArray[np.int64], bins: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)  # (0, .1], (.1, .2], ...
    return confidence, right, places
