"""The methods that a plan can name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.errors import UsageError
from privxray.learning.method import Method, Tensors

NAMES = ("linear-probe", "dp-sgd")


def get(name: str) -> Method:
    """The method of this name; what it needs (torch, for dp-sgd) is imported now.

    :raises UsageError: there is none.
    """
    if name == "linear-probe":
        from privxray.learning.linear_probe.linear_probe_method import LinearProbe

        return LinearProbe()
    if name == "dp-sgd":
        from privxray.learning.dp_sgd.dp_sgd_method import DpSgd

        return DpSgd()
    raise UsageError("there is no training method of that name", advice=f"Methods are {', '.join(NAMES)}")


def combine(
    name: str,
    sums: Tensors,
    hospitals: int,
    constants: Mapping[str, object],
    classes: Sequence[str],
    start: Tensors,
) -> dict[str, NDArray[Any]]:
    """What the method's :meth:`Method.combine` makes of a sum, without importing what only training needs.

    A coordinator's command is meant to stay small; torch alone is 300 MB.
    """
    if name == "dp-sgd":
        from privxray.learning.averaging import average

        return average(sums, hospitals, start)
    method = get(name)
    return method.combine(sums, hospitals, method.constants(constants), classes, start)


def model_form(method: Method, constants: Any, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """What a method makes of sums that are all zero: the names, shapes and types of its models."""
    sums = {spec.name: np.zeros(spec.shape) for spec in method.manifest(constants, classes)}
    start = method.starting_model(constants, classes)
    return method.combine(sums, 1, constants, classes, start)
