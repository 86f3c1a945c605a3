"""Tensors as bytes: what a masked vector holds, and the safetensors bodies of plans and models.

safetensors (https://github.com/huggingface/safetensors) is a length, a JSON index and raw little-endian
numbers, so nothing in it can run. The library reads models. A masked vector is one tensor whose index the
plan fixes, so its first bytes are computed here and compared, not parsed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from privxray.errors import MalformedError, RefusedError
from privxray.formats.header import Strict, whole

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

MASKED = "masked"
MAX_COORDINATES = 1 << 26
"""67 million: five times a ResNet-18."""
MAX_TENSORS = 4096
MAX_INDEX = 1 << 20
"""Bytes of the index of safetensors, which is parsed as a whole; 4,096 tensors need a third of it."""
SCALAR_BYTES = 32
"""Of a number of a vector under commitments."""

ModulusBits = Annotated[Literal[32, 64], BeforeValidator(whole)]
_DTYPES: dict[int, str] = {32: "U32", 64: "U64"}
_ANEW = "Ask who made the file to make it again"
_OTHER_PLAN = "The coordinator has to make another plan"


class TensorSpec(Strict):
    """One tensor of the vector that hospitals add up.

    ``bound`` is B, the largest magnitude of a coordinate after clamping (> 0); ``fraction_bits`` is f: a
    coordinate x travels as round(x * 2**f).
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,100}$")]
    shape: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MAX_COORDINATES)], ...], Field(strict=False, max_length=8)
    ]
    bound: Annotated[float, Field(gt=0, lt=2**62, allow_inf_nan=False)]
    fraction_bits: Annotated[int, Field(ge=0, le=60)]

    @property
    def size(self) -> int:
        """The number of coordinates."""
        return math.prod(self.shape)

    @model_validator(mode="after")
    def _not_too_large(self) -> TensorSpec:
        if self.size > MAX_COORDINATES:
            raise ValueError("a tensor has too many coordinates")
        return self


def total_size(manifest: Sequence[TensorSpec]) -> int:
    """The length d of the vector that a manifest describes; tensors stand in it in the manifest's order."""
    return sum(spec.size for spec in manifest)


def check_headroom(manifest: Sequence[TensorSpec], hospitals: int, modulus_bits: ModulusBits) -> None:
    """Refuse a plan's manifest if its sum could overflow, or if no real model is like it.

    With n hospitals, B the bound and f the fraction bits of a tensor, a sum stays below half of the modulus
    while n * (B * 2**f + 1/2) does; 1/2 is the most that rounding adds.

    :raises RefusedError: a sum could overflow, the vector is empty or too long, or a name occurs twice.
    """
    if not manifest:
        raise RefusedError("the plan's vector is empty", reason="plan.vector-empty", advice=_OTHER_PLAN)
    if total_size(manifest) > MAX_COORDINATES:
        raise RefusedError(
            "the plan's vector is longer than any model's", reason="plan.vector-too-long", advice=_OTHER_PLAN
        )
    if len({spec.name for spec in manifest}) < len(manifest):
        raise RefusedError("the plan names a tensor twice", reason="plan.tensor-twice", advice=_OTHER_PLAN)
    for spec in manifest:
        if hospitals * (spec.bound * 2.0**spec.fraction_bits + 0.5) >= 2.0 ** (modulus_bits - 1):
            raise RefusedError(
                f"the plan's sums could overflow (tensor {spec.name})",
                reason="plan.sums-overflow",
                advice=_OTHER_PLAN,
            )


def masked_prefix(size: int, modulus_bits: ModulusBits) -> bytes:
    """The safetensors bytes that stand before the ``size`` little-endian integers of a masked vector."""
    return index_of(_DTYPES[modulus_bits], [size], size * modulus_bits // 8)


def scalars_prefix(size: int) -> bytes:
    """The safetensors bytes that stand before ``size`` scalars of a vector that is masked modulo L."""
    return index_of("U8", [size, SCALAR_BYTES], size * SCALAR_BYTES)


def index_of(dtype: str, shape: Sequence[int], length: int) -> bytes:
    """The safetensors bytes that stand before a masked vector.

    :param dtype: as safetensors calls it.
    :param length: of the vector, in bytes.
    """
    entry = {"dtype": dtype, "shape": list(shape), "data_offsets": [0, length]}
    index = json.dumps({MASKED: entry}, separators=(",", ":")).encode()
    index += b" " * (-len(index) % 8)  # as the library pads, so that the numbers are aligned
    return len(index).to_bytes(8, "little") + index


def pack(tensors: Mapping[str, Array]) -> bytes:
    """Serialise named arrays as safetensors."""
    import numpy as np
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(array) for name, array in tensors.items()})


def same_form(tensors: Mapping[str, Array], expected: Mapping[str, Array]) -> bool:
    """Whether both have the same names, shapes and types."""
    return tensors.keys() == expected.keys() and all(
        (array.shape, array.dtype) == (expected[name].shape, expected[name].dtype)
        for name, array in tensors.items()
    )


def unpack(body: bytes) -> dict[str, Array]:
    """Read safetensors bytes whose origin has been verified, as arrays by name.

    :raises MalformedError: not safetensors, an index of more than 1 MiB, more than 4,096 tensors, or a number
        that is not finite.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if MAX_INDEX < int.from_bytes(body[:8], "little") <= len(body) - 8:  # a longer one is not even parsed
        raise MalformedError(
            "the index of the tensors in this file is longer than any model's",
            reason="tensors.long-index",
            advice=_ANEW,
        )
    try:
        tensors = load(body)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise MalformedError(
            "the tensors in this file can't be read", reason="tensors.unreadable", advice=_ANEW
        ) from error
    if len(tensors) > MAX_TENSORS:
        raise MalformedError(
            "this file holds more tensors than any model has", reason="tensors.too-many", advice=_ANEW
        )
    for array in tensors.values():
        if not np.isfinite(array).all():
            raise MalformedError(
                "a tensor in this file holds a number that is not finite",
                reason="tensors.not-finite",
                advice=_ANEW,
            )
    return tensors
