"""The methods that a plan can name, found by their names."""

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
    """The method of this name. What it needs is imported now (torch, for dp-sgd).

    Give it only constants that it made itself. Which type they have is known at run time only.

    :raises UsageError: there is no such method.
    """
    found: Method[Any]
    if name == "linear-probe":
        from privxray.learning.linear_probe.linear_probe_method import LinearProbe

        found = LinearProbe()
    elif name == "dp-sgd":
        from privxray.learning.dp_sgd.dp_sgd_method import DpSgd

        found = DpSgd()
    else:
        raise UsageError(
            "there is no training method of that name",
            reason="method.unknown",
            advice=f"The methods are {' and '.join(NAMES)}",
        )
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
    """The model from the opened sum of ``hospitals`` vectors; see :meth:`Method.combine`.

    It imports nothing that only training needs, because a coordinator's command should stay small: torch
    alone is 300 MB.

    :param constants: as the plan carries them.
    :raises UsageError: there is no such method, or a constant is out of its range.
    """
    if name == "dp-sgd":
        from privxray.learning.averaging import average

        return average(sums, hospitals, start)
    method = get(name)
    return method.combine(sums, hospitals, Task(method.constants(constants), classes, start))


def model_form(
    method: AnyMethod, constants: MethodConstants, classes: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """A model made of sums that are all zero: it shows the names, shapes and types of the method's models."""
    sums = {spec.name: np.zeros(spec.shape) for spec in method.manifest(constants, classes)}
    start = method.starting_model(constants, classes)
    return method.combine(sums, 1, Task(constants, classes, start))
