"""Polynomials on the wire: nothing but residues, at lengths that are known before a byte is read.

A residue is a little-endian word of 32 bits below its prime, and polynomials are residues prime by prime.
Each is compared with its prime here. Then nothing can be malformed any more, and there is no field in which
other parameters, or a secret key, could come along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.inference.parameters import DEGREE, PRIMES, SEED_BYTES, WORD, Layout
from privxray.inference.ring import Residues

Words: TypeAlias = NDArray[np.uint32]
"""Residues as they travel."""

_OTHER_SOFTWARE = "Both sides need the same version of privxray"


@dataclass(frozen=True)
class Question:
    """What a query holds.

    :ivar seed: the second halves of the ciphertexts come out of it.
    :ivar key: the hospital's public key for this query, shape [P, 4096].
    :ivar ciphertexts: their first halves, shape [C, P, 4096].
    """

    seed: bytes
    key: Residues
    ciphertexts: Residues

    def to_bytes(self) -> bytes:
        """The question as it travels, before it is sealed."""
        return self.seed + to_bytes(self.key) + to_bytes(self.ciphertexts)


def read_question(data: bytes, layout: Layout, images: int) -> Question:
    """What a query about so many images holds.

    :raises MalformedError: it has another length, or a residue is not below its prime.
    """
    seed, rest = data[:SEED_BYTES], data[SEED_BYTES:]
    shape = (1 + layout.ciphertexts(images), layout.query_primes, DEGREE)
    numbers = _words(rest, shape, "the query").astype(np.uint64)
    return Question(seed, numbers[0], numbers[1:])


def read_answer(data: bytes, layout: Layout, images: int) -> Words:
    """The results of an answer, shape [images, K, L, 1 + 4096]: of each the number, then the polynomial.

    They are left as they stand in ``data``, which may be hundreds of megabytes.

    :raises MalformedError: as :func:`read_question`.
    """
    return _words(data, (images, layout.classes, layout.answer_primes, 1 + DEGREE), "the answer")


def to_bytes(array: Residues) -> bytes:
    """Residues as they travel."""
    return array.astype("<u4").tobytes()


def _words(data: bytes, shape: tuple[int, ...], what: str) -> Words:
    """The numbers in ``data``; the last but one of ``shape`` counts primes."""
    if len(data) != WORD * int(np.prod(shape)):
        raise MalformedError(
            f"{what} has a different size from the one that its parameters give",
            reason="rlwe.other-length",
            advice=_OTHER_SOFTWARE,
        )
    array = np.frombuffer(data, "<u4").reshape(shape)
    if (array >= np.array(PRIMES[: shape[-2]], np.uint32)[:, None]).any():
        raise MalformedError(
            f"{what} holds a number beyond its modulus: it was made with other parameters",
            reason="rlwe.other-modulus",
            advice=_OTHER_SOFTWARE,
        )
    return array
