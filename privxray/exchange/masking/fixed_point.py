"""Real vectors as integers modulo 2**64 or 2**32, so that masks cancel exactly and sums are bit-exact.

A coordinate x, clamped to [-B, B], becomes round(x * 2**f) in two's complement. The sum of n such integers
is read back as a signed number, which is right as long as n * B * 2**f < modulus / 2:
:func:`~privxray.formats.tensors.check_headroom` is that condition, and every recipient of a plan checks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.formats.tensors import ModulusBits, TensorSpec

Integers = NDArray[Any]
"""uint64 or uint32."""

_TRAIN_AGAIN = (
    "Restore the workspace from a backup (privxray help backup), or ask the coordinator for another plan"
)


def unsigned(modulus_bits: ModulusBits) -> np.dtype[Any]:
    """The little-endian integer type of a modulus."""
    return np.dtype("<u8" if modulus_bits == 64 else "<u4")


def _signed(modulus_bits: ModulusBits) -> np.dtype[Any]:
    return np.dtype("<i8" if modulus_bits == 64 else "<i4")


def quantise(
    vector: Mapping[str, NDArray[np.float64]], manifest: Sequence[TensorSpec], modulus_bits: ModulusBits
) -> Integers:
    """Flatten named tensors in the manifest's order into integers of shape [d].

    Values beyond the bound are clamped. They are noisy already, so clamping costs no privacy.

    :raises MalformedError: a tensor is missing, is none of the plan's, has another shape, or is not finite.
    """
    if set(vector) != {spec.name for spec in manifest}:
        raise MalformedError(
            "the training result has different tensors from the plan",
            reason="training.other-tensors",
            advice=_TRAIN_AGAIN,
        )
    parts = []
    for spec in manifest:
        values = np.asarray(vector[spec.name], dtype=np.float64)
        if values.shape != spec.shape:
            raise MalformedError(
                f"the training result has a different shape from the plan (tensor {spec.name})",
                reason="training.other-shape",
                advice=_TRAIN_AGAIN,
            )
        if not np.isfinite(values).all():
            raise MalformedError(
                f"the training result holds a number that is not finite (tensor {spec.name})",
                reason="training.not-finite",
                advice=_TRAIN_AGAIN,
            )
        scaled = np.rint(np.clip(values, -spec.bound, spec.bound) * 2.0**spec.fraction_bits)
        parts.append(scaled.astype(_signed(modulus_bits)).ravel())
    return np.concatenate(parts).view(unsigned(modulus_bits))


def dequantise(
    total: Integers, manifest: Sequence[TensorSpec], modulus_bits: ModulusBits
) -> Mapping[str, NDArray[np.float64]]:
    """Read a sum of quantised vectors back as named float64 tensors, each one when it is asked for.

    All of them at once would take twice the memory of a 32-bit sum.
    """
    return _Tensors(total.view(_signed(modulus_bits)), manifest)


class _Tensors(Mapping[str, NDArray[np.float64]]):
    def __init__(self, numbers: Integers, manifest: Sequence[TensorSpec]) -> None:
        self._numbers, self._places, start = numbers, {}, 0
        for spec in manifest:
            self._places[spec.name] = (start, spec)
            start += spec.size

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        start, spec = self._places[name]
        piece = self._numbers[start : start + spec.size]
        return np.asarray(piece / 2.0**spec.fraction_bits).reshape(spec.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
