"""Sensitivity and specificity of "pneumonia", that is: of not normal, at one threshold.

The threshold is fixed on the patients of the split ``val``: the highest at which at least nine of ten images
with pneumonia are found, for what is missed costs more than a second look. On ``test`` it is used as it is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SENSITIVITY = 0.9


def fixed_threshold(ill: NDArray[np.bool_], probability: Floats) -> float | None:
    """The highest threshold at which at least :data:`SENSITIVITY` of the ill images are found.

    An image is found if its probability is at least the threshold.

    :param ill: [N]. :param probability: [N] of being ill.
    :returns: None where no image is ill.
    """
    found = np.sort(probability[ill])[::-1]
    if not len(found):
        return None
    return float(found[math.ceil(SENSITIVITY * len(found) - 1e-9) - 1])
