"""Vectors modulo L, for rounds with commitments: masked, added up and read back without a carry.

Without commitments a vector is masked modulo 2**64 (:mod:`privxray.exchange.masking.masks`). What wraps there
has no counterpart among commitments, which add up modulo L, the order of their group. So where a plan asks
for commitments, each coordinate is a scalar, of 32 bytes, and so is its mask. The blinding factor of the
commitment is one more coordinate, the last. Nothing wraps unseen: sums of n quantised vectors stay below
2**63 (the plan's own rule, :func:`~privxray.formats.tensors.check_headroom`), far below L / 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.exchange.commitments.group import ORDER, WIDE_BYTES, wide_scalar, wide_scalars
from privxray.exchange.masking.fixed_point import Integers
from privxray.formats.tensors import SCALAR_BYTES, scalars_prefix

_BLINDING = b"privxray blinding v2"

Scalars = list[int]
"""d + 1 numbers from 0 to L - 1: a vector and its blinding factor."""


@dataclass(frozen=True)
class OpenedSum:
    """A sum whose masks are off: uint64 in two's complement, of shape [d], and its blinding factor."""

    numbers: NDArray[np.uint64]
    blinding: int


def as_scalars(numbers: Integers, blinding: int) -> Scalars:
    """A quantised vector, of shape [d], and a blinding factor as d + 1 scalars.

    :param numbers: uint64 or uint32 in two's complement, as
        :func:`~privxray.exchange.masking.fixed_point.quantise` gives them.
    """
    signed = numbers.view(np.dtype(f"<i{numbers.itemsize}"))
    return [*(number % ORDER for number in signed.tolist()), blinding]


def as_integers(scalars: Sequence[int]) -> NDArray[np.uint64]:
    """The numbers of d + 1 opened scalars as uint64 in two's complement, of shape [d], without the blinding.

    :raises MalformedError: a number is outside of what 64 bits hold, so the masks did not cancel.
    """
    half = 2**63
    centred = [(number + half) % ORDER - half for number in scalars[:-1]]
    if any(number >= half for number in centred):
        raise MalformedError(
            "the masks of the updates do not cancel, so the sum can't be opened",
            reason="sum.masks-stay",
            advice="Check that all updates are of this plan, or plan the round anew",
        )
    return np.array(centred, dtype="<i8").view("<u8")


def stream(key: bytes, size: int) -> Scalars:
    """``size`` uniform scalars from the AES-256-CTR keystream under a key of 32 bytes; 64 bytes make one."""
    cipher = Cipher(AES256(key), CTR(bytes(16))).encryptor()
    return wide_scalars(cipher.update(bytes(WIDE_BYTES * size)))


def add_into(total: Scalars, other: Sequence[int], *, negative: bool = False) -> None:
    """Add ``other`` to ``total``, or subtract it, in place and modulo L. Both have the same length."""
    sign = -1 if negative else 1
    total[:] = [(one + sign * two) % ORDER for one, two in zip(total, other, strict=True)]


def blinding_of(key: bytes) -> int:
    """The blinding factor of a vector, from the key of 32 bytes under which the vector rests."""
    return wide_scalar(HKDF(SHA256(), WIDE_BYTES, salt=None, info=_BLINDING).derive(key))


def to_bytes(scalars: Iterable[int]) -> bytes:
    """32 little-endian bytes a scalar."""
    return b"".join(scalar.to_bytes(SCALAR_BYTES, "little") for scalar in scalars)


def read_scalars(pieces: Iterable[bytes], size: int) -> Scalars:
    """The scalars of a decrypted body, from its prefix and :func:`to_bytes`.

    :raises MalformedError: another form or length, or a number that is not below L.
    """
    body, prefix = b"".join(pieces), scalars_prefix(size)
    data = body[len(prefix) :]
    scalars = [
        int.from_bytes(data[at : at + SCALAR_BYTES], "little") for at in range(0, len(data), SCALAR_BYTES)
    ]
    fits = body.startswith(prefix) and len(data) == size * SCALAR_BYTES
    if not fits or any(scalar >= ORDER for scalar in scalars):
        raise MalformedError(
            "the update does not hold the vector that the plan describes",
            reason="vector.other-form",
            advice="Ask the hospital to export its update again, or plan the round anew without it",
        )
    return scalars
