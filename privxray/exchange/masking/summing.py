"""Adding up decrypted bodies as they stream in. Memory holds the sum and a chunk, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from privxray.errors import MalformedError
from privxray.exchange.masking.fixed_point import Integers, unsigned
from privxray.formats.tensors import ModulusBits, TensorSpec, masked_prefix

_ANEW = "Ask the hospital to export its update again, or plan the round anew without it"


def add_to_sum(total: Integers, pieces: Iterable[bytes], modulus_bits: ModulusBits) -> None:
    """Add a decrypted body to the running sum, in place, a chunk at a time.

    :param total: shape [d]. If the body turns out to be wrong, it is left half-added, so the caller drops it.
    :raises MalformedError: not exactly the vector that the plan describes.
    """
    kind = unsigned(modulus_bits)
    expected, pending, done = masked_prefix(len(total), modulus_bits), bytearray(), 0
    for piece in pieces:
        pending += piece
        if expected:
            if len(pending) < len(expected):
                continue
            if not pending.startswith(expected):
                raise MalformedError(
                    "the update does not hold the vector that the plan describes",
                    reason="vector.other-form",
                    advice=_ANEW,
                )
            del pending[: len(expected)]
            expected = b""
        count = len(pending) // kind.itemsize
        if done + count > len(total):
            raise MalformedError(
                "the update holds more numbers than the plan describes",
                reason="vector.too-long",
                advice=_ANEW,
            )
        target = total[done : done + count]
        np.add(target, np.frombuffer(bytes(pending[: count * kind.itemsize]), kind), out=target)
        del pending[: count * kind.itemsize]
        done += count
    if done != len(total) or pending:
        raise MalformedError(
            "the update holds fewer numbers than the plan describes", reason="vector.too-short", advice=_ANEW
        )


def check_range(
    total: Integers,
    manifest: Sequence[TensorSpec],
    hospitals: int,
    limits: Mapping[str, int] | None = None,
) -> None:
    """Whether every coordinate of a sum is within what ``hospitals`` clamped vectors can add up to.

    A mask that was not taken off leaves uniformly random integers. Each of them passes with probability
    n (2 B 2**f + 1) / modulus. The plan's headroom keeps that below 1, and real plans are far below.

    :param limits: by tensor, the largest magnitude that each vector was proven to keep to. It is a little
        larger than what clamping gives, for rounding, and a hospital that sends as much must stop no round.
    :raises MalformedError: one is not.
    """
    numbers, start = total.view(f"<i{total.itemsize}"), 0
    for spec in manifest:
        piece = numbers[start : start + spec.size]
        largest = spec.bound * 2.0**spec.fraction_bits + 0.5 if limits is None else limits[spec.name]
        most = float(hospitals * largest)
        if float(piece.max()) > most or float(piece.min()) < -most:
            raise MalformedError(
                "the sum is larger than the plan allows, so an update or a share is not what its sender says",
                reason="sum.out-of-range",
                advice="Ask every hospital for the key words and the hash of its plan; plan the round anew",
            )
        start += spec.size
