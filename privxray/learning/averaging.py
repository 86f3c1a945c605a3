"""Federated averaging: how deltas become a model. Without torch, for a coordinator trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def average(
    sums: Mapping[str, NDArray[np.float64]], hospitals: int, start: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """start + sum / hospitals in float32, tensor by tensor (McMahan et al. 2017, with equal weights).

    Equal, because a weight by the number of patients would have to be a charged release.

    :param sums: of the deltas, by the names and in the shapes of ``start``.
    """
    return {name: (start[name] + sums[name] / hospitals).astype(np.float32) for name in start}
