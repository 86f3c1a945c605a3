"""Sharing a 32-byte secret among k holders so that any t of them restore it and t - 1 learn nothing.

After Shamir 1979, "How to share a secret", over the prime field of p = 2**256 + 297, the least prime above
all 32-byte numbers, so that every secret is an element. The secret is the value at 0 of a polynomial of
degree t - 1 whose other coefficients are uniform; the holder of seat x (1..k) gets its value at x, as 33
big-endian bytes. With t - 1 values every secret is equally likely: for each there is exactly one such
polynomial.

No maintained library was found fit (docs/adr/0060). Python's integers don't run in constant time. This runs
once a round, on a workstation without a network, where nobody can time it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from privxray.errors import MalformedError

PRIME = 2**256 + 297
SECRET_BYTES = 32
SHARE_BYTES = 33

_WHO_DEALT = "The round has to be planned anew without the hospital that dealt it"


def split(
    secret: bytes, threshold: int, holders: int, *, draw: Callable[[int], int] = secrets.randbelow
) -> list[bytes]:
    """Shares for the seats 1..``holders``, in that order.

    :param secret: 32 bytes.
    :param threshold: t, with 1 <= t <= holders.
    :param draw: gives a uniform integer below its argument; the operating system's, except in test vectors.
    :raises ValueError: a secret of another length, or numbers out of range.
    """
    if len(secret) != SECRET_BYTES or not 1 <= threshold <= holders:
        raise ValueError("not a secret and a threshold that can be shared")
    coefficients = [int.from_bytes(secret, "big"), *(draw(PRIME) for _ in range(threshold - 1))]
    return [_value(coefficients, x).to_bytes(SHARE_BYTES, "big") for x in range(1, holders + 1)]


def restore(shares: Mapping[int, bytes], threshold: int) -> bytes:
    """The secret, from at least ``threshold`` shares by seat number.

    All of them must lie on one polynomial of degree ``threshold`` - 1. So one wrong share among more than t
    is noticed, though not whose it is.

    :raises ValueError: fewer than ``threshold`` shares, or a seat number below 1.
    :raises MalformedError: a share that is none, or shares that don't belong together.
    """
    if len(shares) < threshold or min(shares) < 1:
        raise ValueError("too few shares, or a seat number below 1")
    points = [(x, _read(share)) for x, share in sorted(shares.items())]
    base, further = points[:threshold], points[threshold:]
    secret = _interpolate(base, 0)
    if secret >= 1 << (8 * SECRET_BYTES) or any(_interpolate(base, x) != y for x, y in further):
        raise MalformedError(
            "shares of one secret don't fit together", reason="shares.no-polynomial", advice=_WHO_DEALT
        )
    return secret.to_bytes(SECRET_BYTES, "big")


def _read(share: bytes) -> int:
    value = int.from_bytes(share, "big")
    if len(share) != SHARE_BYTES or value >= PRIME:
        raise MalformedError("a share is damaged", reason="shares.out-of-field", advice=_WHO_DEALT)
    return value


def _value(coefficients: list[int], x: int) -> int:
    """Horner's rule, from the highest coefficient down."""
    result = 0
    for coefficient in reversed(coefficients):
        result = (result * x + coefficient) % PRIME
    return result


def _interpolate(points: list[tuple[int, int]], x: int) -> int:
    """The value at ``x`` of the polynomial of least degree through ``points`` (Lagrange)."""
    total = 0
    for own, y in points:
        above = below = 1
        for other, _ in points:
            if other != own:
                above = above * (x - other) % PRIME
                below = below * (own - other) % PRIME
        total += y * above * pow(below, -1, PRIME)
    return total % PRIME
