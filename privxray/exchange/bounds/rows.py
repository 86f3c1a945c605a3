"""The random combinations that show a committed vector to be short.

R has 128 rows of numbers that are -1, 0 or 1 with chances 1/4, 1/2, 1/4. Let v be a vector modulo L, M the
largest magnitude in it, at place i, and y any number. Of the three values that R_i can take, the sum
R v + y is w, or w plus or minus M. Where |w| < M / 2, both of the others are M / 2 or more in magnitude, also
modulo L, because M <= L / 2. Where |w| >= M / 2, only the other two can be shorter. So one row gives a sum
below M / 2 with a chance of at most 1/2, and all 128 do with 2^-128. (Rows of this form, and the argument,
are those of Lyubashevsky, Nguyen and Seiler 2020, "Practical lattice-based zero-knowledge proofs for integer
relations", section 2.)
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import shake_256

import numpy as np
from numpy.typing import NDArray

from privxray.exchange.bounds.statement import ROWS
from privxray.exchange.commitments.group import ORDER
from privxray.formats.tensors import SCALAR_BYTES

Rows = NDArray[np.int8]
"""R, of shape [128, d + 3 m]."""

_AT_ONCE = 32
"""Rows that are multiplied together: as float64 they take eight times the memory."""


def rows_of(seed: bytes, width: int) -> Rows:
    """R, from SHAKE-256 of a seed: its first bits less its second ones, row by row.

    :param width: how many numbers a row has.
    """
    octets = -(-width // 8)
    stream = np.frombuffer(shake_256(seed).digest(2 * ROWS * octets), np.uint8).reshape(2, ROWS, octets)
    bits = np.unpackbits(stream, axis=2, count=width).view(np.int8)
    return np.asarray(bits[0] - bits[1])


def combined(rows: Rows, numbers: Sequence[int]) -> list[int]:
    """R v modulo L, of shape [128].

    Numbers are taken apart into 16 limbs of 16 bits. Sums of limbs stay below 2^53, so float64 is exact.

    :param numbers: v, each from 0 to L - 1.
    """
    data = b"".join(number.to_bytes(SCALAR_BYTES, "little") for number in numbers)
    limbs = np.frombuffer(data, "<u2").reshape(len(numbers), SCALAR_BYTES // 2).astype(np.float64)
    parts = [rows[at : at + _AT_ONCE].astype(np.float64) @ limbs for at in range(0, ROWS, _AT_ONCE)]
    sums = np.concatenate(parts).astype(np.int64)
    return [sum(part << (16 * place) for place, part in enumerate(row)) % ORDER for row in sums.tolist()]
