"""The methods that a plan can name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from privxray.errors import UsageError
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod, Method, Task, Tensors

NAMES = ("linear-probe", "dp-sgd")


def get(name: str) -> AnyMethod:
    """The method of this name; what it needs (torch, for dp-sgd) is imported now.

    Give it no constants but those that it made: which type they have is known at run time only.

    :raises UsageError: there is none.
    """
    found: Method[Any]
    if name == "linear-probe":
        from privxray.learning.linear_probe.linear_probe_method import LinearProbe

        found = LinearProbe()
    elif name == "dp-sgd":
        from privxray.learning.dp_sgd.dp_sgd_method import DpSgd

        found = DpSgd()
    else:
        raise UsageError("there is no training method of that name", advice=f"Methods are {', '.join(NAMES)}")
    # Here, and nowhere else, a method's own type of constants is given up.
    return cast(AnyMethod, found)


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
    return method.combine(sums, hospitals, Task(method.constants(constants), classes, start))


def model_form(
    method: AnyMethod, constants: MethodConstants, classes: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """What a method makes of sums that are all zero: the names, shapes and types of its models."""
    sums = {spec.name: np.zeros(spec.shape) for spec in method.manifest(constants, classes)}
    start = method.starting_model(constants, classes)
    return method.combine(sums, 1, Task(constants, classes, start))
