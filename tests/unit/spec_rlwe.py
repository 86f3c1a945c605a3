"""docs/SPEC-2.md, section 12, once more from its text: seeds, polynomials, and what a secret opens.

Whole numbers of Python and hashlib, without a line of privxray. Products are taken number by number.
"""

from __future__ import annotations

import hashlib
import struct

N = 4096
PRIMES = (4294828033, 4294729729, 4294483969)


def words(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def uniform(seed: bytes, purpose: str, number: int) -> list[int]:
    """The polynomial of a seed modulo one prime."""
    start = b"privxray rlwe " + purpose.encode() + b" " + str(number).encode() + b"\0"
    stream = words(hashlib.shake_128(start + seed).digest(4 * (N + 256)))
    return [word for word in stream if word < PRIMES[number]][:N]


def secret(seed: bytes) -> list[int]:
    """The ternary secret of a query."""
    stream = hashlib.shake_256(b"privxray rlwe secret\0" + seed).digest(N + 256)
    return [byte % 3 - 1 for byte in stream if byte < 255][:N]


def coefficient(one: list[int], other: list[int], place: int) -> int:
    """One coefficient of the product modulo X^N + 1."""
    turned = [other[place - at] if at <= place else -other[place - at + N] for at in range(N)]
    return sum(a * b for a, b in zip(one, turned, strict=True))


def centred(residues: list[int]) -> int:
    """The whole number of least size with these residues."""
    modulus, total = 1, 0
    for residue, prime in zip(residues, PRIMES, strict=False):
        total += modulus * ((residue - total) * pow(modulus, -1, prime) % prime)
        modulus *= prime
    return total if total <= modulus // 2 else total - modulus


def polynomials(data: bytes, primes: int, length: int = N) -> list[list[list[int]]]:
    """Polynomials, of each its residues prime by prime."""
    numbers = words(data)
    rows = [numbers[at : at + length] for at in range(0, len(numbers), length)]
    assert all(value < PRIMES[at % primes] for at, row in enumerate(rows) for value in row)
    return [rows[at : at + primes] for at in range(0, len(rows), primes)]
