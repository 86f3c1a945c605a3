"""Starting weights that a coordinator gives: read, compared with the network, and carried in the plan.

Tested in tests/cli/test_dp_sgd.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import MalformedError, SystemTroubleError, about
from privxray.formats.tensors import MAX_COORDINATES, unpack
from privxray.system.regular_files import open_regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BYTES = 4 * MAX_COORDINATES + (1 << 20)
LARGEST = 1e4  # of a weight; with larger ones float32 activations overflow within a few layers
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def read_start(path: Path, form: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The weights in a safetensors file, which must be those of the plan's network and nothing else.

    :param form: weights of the same network: their names, shapes and types are what the file must have.
    :raises SystemTroubleError: the file can't be read.
    :raises MalformedError: not safetensors, another network's, running statistics of batch normalisation, not
        float32, or a number that is not finite or above 10,000.
    """
    with about(path):
        weights = unpack(_bounded(path))
        statistics = [name for name in weights if name.endswith(_STATISTICS)]
        if statistics:
            raise MalformedError(
                "this file holds running statistics: batch normalisation mixes patients",
                reason="weights.statistics",
                advice="Give weights of a network with group normalisation",
            )
        for name in sorted(form.keys() | weights.keys()):
            _same(name, weights.get(name), form.get(name))
        if any(abs(array).max() > LARGEST for array in weights.values()):
            raise MalformedError(
                f"a weight in this file is larger than {LARGEST:g}", reason="weights.too-large-number"
            )
    return weights


def _same(name: str, given: NDArray[Any] | None, wanted: NDArray[Any] | None) -> None:
    shown = json.dumps(name[:60])  # a name from a file: no control characters on a terminal
    if wanted is None:
        raise MalformedError(
            f"this file has a tensor that the plan's network does not have: {shown}",
            reason="weights.extra-tensor",
        )
    if given is None:
        raise MalformedError(
            f"this file lacks a tensor of the plan's network: {shown}", reason="weights.missing-tensor"
        )
    if (given.shape, given.dtype) != (wanted.shape, wanted.dtype):
        raise MalformedError(
            f"the tensor {shown} is {given.dtype} {list(given.shape)}, and the plan's network has "
            f"{wanted.dtype} {list(wanted.shape)}",
            reason="weights.other-form",
        )


def _bounded(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise SystemTroubleError(
            f"this file can't be read ({error.strerror})", reason="weights.unread", advice="Check the path"
        ) from None
    if len(data) > MAX_BYTES:
        raise MalformedError("this file is larger than any network's weights", reason="weights.too-large")
    return data
