"""Random polynomials: uniform ones out of a seed that travels, ternary secrets, and small errors.

Secrets and errors come from the system's generator, and from what they are drawn for (:class:`Draws`). How
long that takes does not depend on them, except that a byte of 255 is passed over; how long numpy computes
with them is not made constant. Whoever could measure that has the machine: what travels are files.
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
_SEED_BYTES = 32


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


class Draws:
    """The secrets and errors of one question or answer, each of them fresh.

    They come out of 32 bytes of the system's generator *and* of the inputs that they are to hide. A generator
    can give the same bytes twice, as where a virtual machine is resumed twice from one snapshot. Then two
    answers would have the same secrets, and their difference would show all weights. This way the same
    secrets come again for the same inputs alone, and tell nothing new.
    """

    def __init__(self, *inputs: bytes) -> None:
        absorbed = hashlib.shake_256(b"privxray rlwe draws\0" + os.urandom(_SEED_BYTES))
        for given in inputs:
            absorbed.update(len(given).to_bytes(8, "big"))
            absorbed.update(given)
        self._seed = absorbed.digest(_SEED_BYTES)
        self._count = 0

    def ternary(self) -> Whole:
        """A polynomial [N] of -1, 0 and 1, each with the same probability."""
        return ternary(self.stream(DEGREE + _SPARE))

    def errors(self, count: int) -> Whole:
        """Errors [count]: of 42 random bits, how many of the first 21 are set less how many of the others."""
        data = np.frombuffer(self.stream(-(-2 * ERROR_BITS * count // 8)), np.uint8)
        bits = np.unpackbits(data, count=2 * ERROR_BITS * count).reshape(count, 2, ERROR_BITS)
        ones: Whole = bits.sum(axis=-1, dtype=np.int64)
        return ones[:, 0] - ones[:, 1]

    def stream(self, size: int) -> bytes:
        """So many random bytes; others at each call."""
        self._count += 1
        start = b"privxray rlwe drawn\0" + self._seed + self._count.to_bytes(8, "big")
        return hashlib.shake_256(start).digest(size)


def ternary(stream: bytes) -> Whole:
    """A polynomial [N] of -1, 0 and 1, each with the same probability.

    :param stream: as many random bytes as :func:`ternary_stream` gives.
    """
    drawn = np.frombuffer(stream, np.uint8)
    # One byte in 256 is 255 and passed over; to lack 4,096 others, 257 of 4,352 would have to be.
    kept = drawn[drawn < 255][:DEGREE].astype(np.int64)
    return kept % 3 - 1


def ternary_stream(seed: bytes) -> bytes:
    """As many bytes as a ternary polynomial takes, out of a secret seed."""
    return hashlib.shake_256(b"privxray rlwe secret\0" + seed).digest(DEGREE + _SPARE)
