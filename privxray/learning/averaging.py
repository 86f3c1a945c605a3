"""Federated averaging: how changes of weights become a model.

It needs no torch: a coordinator averages, and trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def average(
    sums: Mapping[str, NDArray[np.float64]], hospitals: int, start: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The model start + sum / hospitals, in float32, tensor by tensor.

    Federated averaging (McMahan et al. 2017, algorithm 1) with equal weights. A weight by the number of
    patients would say something about that number, so it would have to be a charged release.

    :param sums: the hospitals' summed changes of weights, by the names and in the shapes of ``start``.
    :param hospitals: how many are in the sum, >= 1.
    :param start: the model that every hospital started from.
    """
    return {name: (start[name] + sums[name] / hospitals).astype(np.float32) for name in start}
