"""Random polynomials: uniform ones out of a seed that travels, ternary secrets, and small errors.

Secrets and errors come from the system's generator. How long that takes does not depend on them, except that
a byte of 255 is passed over; how long numpy computes with them is not made constant. Whoever could measure
that has the machine: what travels are files.
"""

from __future__ import annotations

import hashlib
import os

import numpy as np

from privxray.inference.parameters import DEGREE, PRIMES, WORD
from privxray.inference.ring import Residues, Whole

ERROR_BITS = 21
"""The bits of each sign in an error: a centred binomial of standard deviation sqrt(21 / 2) = 3.24."""
_SPARE = 256


def uniform(seed: bytes, purpose: str, primes: int) -> Residues:
    """The polynomial [primes, N] that a seed stands for.

    Modulo prime number i, the coefficients are the first 4,096 little-endian words of 32 bits below the prime
    in SHAKE-128 over ``privxray rlwe PURPOSE i``, a zero byte, and the seed.
    """
    made = np.empty((primes, DEGREE), np.uint64)
    for number, prime in enumerate(PRIMES[:primes]):
        start = f"privxray rlwe {purpose} {number}".encode() + b"\0"
        words = np.frombuffer(hashlib.shake_128(start + seed).digest(WORD * (DEGREE + _SPARE)), "<u4")
        made[number] = words[words < prime][:DEGREE]  # one in ten thousand is not below it
    return made


def ternary(stream: bytes | None = None) -> Whole:
    """A polynomial [N] of -1, 0 and 1, each with the same probability.

    :param stream: random bytes, of :func:`ternary_stream`; by default the system's.
    """
    drawn = np.frombuffer(os.urandom(DEGREE + _SPARE) if stream is None else stream, np.uint8)
    # One byte in 256 is 255 and passed over; to lack 4,096 others, 257 of 4,352 would have to be.
    kept = drawn[drawn < 255][:DEGREE].astype(np.int64)
    return kept % 3 - 1


def ternary_stream(seed: bytes) -> bytes:
    """As many bytes as a ternary polynomial takes, out of a secret seed."""
    return hashlib.shake_256(b"privxray rlwe secret\0" + seed).digest(DEGREE + _SPARE)


def errors(count: int) -> Whole:
    """Errors [count]: of 42 random bits, how many of the first 21 are set less how many of the others."""
    data = np.frombuffer(os.urandom(-(-2 * ERROR_BITS * count // 8)), np.uint8)
    bits = np.unpackbits(data, count=2 * ERROR_BITS * count).reshape(count, 2, ERROR_BITS)
    ones: Whole = bits.sum(axis=-1, dtype=np.int64)
    return ones[:, 0] - ones[:, 1]
