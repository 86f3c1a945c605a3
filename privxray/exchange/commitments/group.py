"""The group of the commitments: the subgroup of prime order of edwards25519, by libsodium (PyNaCl).

A point is 32 bytes as in RFC 8032, section 5.1.2; a scalar is an ``int`` from 0 to ORDER - 1, on the wire 32
little-endian bytes. The arithmetic is libsodium's. This module adds what libsodium leaves to its caller:

- It refuses to multiply by zero, and to return the neutral element. :func:`combine` skips zeros and starts
  from the neutral element.
- Adding does not ask whether a point lies in the subgroup. Points of others pass :func:`is_usable` first.

A commitment costs one multiplication a coordinate, about 70 microseconds. libsodium works outside of Python's
lock, so :func:`combine` shares the work out among the processors.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import count

from nacl import bindings
from nacl.exceptions import RuntimeError as NaClError

from privxray.formats.tensors import SCALAR_BYTES

ORDER = 2**252 + 27742317777372353535851937790883648493
"""L, the order of the group (RFC 8032, section 5.1)."""

NEUTRAL = b"\x01" + bytes(31)
POINT_BYTES = 32
WIDE_BYTES = 64
"""Random bytes that become one scalar: 64 bytes modulo L are uniform but for 2**-259."""

_LABEL = b"privxray generator v2"
_FEW = 64  # multiplications below which a thread costs more than it saves
_generators: list[bytes] = []


def wide_scalar(random: bytes) -> int:
    """64 random bytes as a scalar: a little-endian number modulo L."""
    return int.from_bytes(random, "little") % ORDER


def wide_scalars(random: bytes) -> list[int]:
    """One scalar of each 64 random bytes."""
    return [wide_scalar(random[at : at + WIDE_BYTES]) for at in range(0, len(random), WIDE_BYTES)]


def centred(number: int) -> int:
    """The whole number from -(L - 1) / 2 to (L - 1) / 2 that a scalar stands for."""
    return (number + ORDER // 2) % ORDER - ORDER // 2


def is_usable(point: bytes) -> bool:
    """Whether 32 bytes are a point that a party may send: canonical, in the subgroup, and not neutral."""
    return len(point) == POINT_BYTES and bool(bindings.crypto_core_ed25519_is_valid_point(point))


def add(first: bytes, second: bytes) -> bytes:
    """The sum of two points."""
    return bindings.crypto_core_ed25519_add(first, second)


def subtract(first: bytes, second: bytes) -> bytes:
    """The difference of two points."""
    return bindings.crypto_core_ed25519_sub(first, second)


def generator(index: int) -> bytes:
    """G_index, a point of which nobody knows the logarithm to another: hashed to the curve, times 8.

    SHA-256(label | index | counter), both as 4 big-endian bytes, for counter 0, 1, ... until the digest is a
    point (RFC 8032, section 5.1.3); 8 times it lies in the subgroup of prime order.

    :param index: from 0 to 2**32 - 1.
    """
    for counter in count():
        digest = hashlib.sha256(_LABEL + index.to_bytes(4, "big") + counter.to_bytes(4, "big")).digest()
        try:
            point = add(digest, digest)
        except NaClError:  # every other digest is no point
            continue
        point = add(point, point)
        return add(point, point)
    raise AssertionError("unreachable: count() does not end")


def generators(size: int) -> Sequence[bytes]:
    """G_0 to G_(size - 1). They are made once a process."""
    _generators.extend(map(generator, range(len(_generators), size)))
    return _generators[:size]


def combine(scalars: Sequence[int], points: Sequence[bytes]) -> bytes:
    """The sum of scalar * point over both sequences, of equal length; the neutral element for nothing.

    :param points: in the subgroup, none neutral.
    """
    number = _threads(len(scalars))
    with ThreadPoolExecutor(number) as pool:
        parts = pool.map(_combine, *zip(*_shares(scalars, points, number), strict=True))
        return reduce(add, parts, NEUTRAL)


def _threads(multiplications: int) -> int:
    """How many threads are worth what they cost."""
    return min(os.cpu_count() or 1, max(1, multiplications // _FEW))


def _shares(
    scalars: Sequence[int], points: Sequence[bytes], number: int
) -> list[tuple[Sequence[int], Sequence[bytes]]]:
    return [(scalars[start::number], points[start::number]) for start in range(number)]


def _combine(scalars: Sequence[int], points: Sequence[bytes]) -> bytes:
    total = NEUTRAL
    for scalar, point in zip(scalars, points, strict=True):
        if scalar % ORDER:
            encoded = (scalar % ORDER).to_bytes(SCALAR_BYTES, "little")
            total = add(total, bindings.crypto_scalarmult_ed25519_noclamp(encoded, point))
    return total
