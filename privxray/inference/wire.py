"""CKKS polynomials on the wire: nothing but residues, at lengths that are known before a byte is read.

TenSEAL's own serialisation is compressed, has lengths and parameter blocks inside it, and is parsed by a C++
library. None of that travels. A ciphertext, a public key or a rotation key is an array of little-endian
64-bit residues in the evaluation (NTT) form, of one fixed shape. Each residue is compared with its prime
here, in numpy, before the library sees any. Then nothing can be malformed any more, and there is no field in
which other parameters, or a secret key, could come along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.inference.parameters import (
    ANSWER_PRIMES,
    DEGREE,
    KEY_PRIMES,
    PRIMES,
    PUBLIC_KEY_BYTES,
    QUERY_PRIMES,
    WORD,
    rotations,
)

Residues: TypeAlias = NDArray[np.uint64]

_OTHER_SOFTWARE = "Both sides need the same version of privxray"


@dataclass(frozen=True)
class EvaluationKeys:
    """What a hospital gives an owner to compute with.

    :ivar public: the public key, shape [2, 4, 8192].
    :ivar rotation: the rotation keys, shape [R, 3, 2, 4, 8192], in the order of
        :func:`~privxray.inference.parameters.rotations`.
    """

    public: Residues
    rotation: Residues


def read_queries(data: bytes, count: int) -> Residues:
    """Ciphertexts of images, shape [count, 2, 3, 8192].

    :raises MalformedError: they have another length, a residue is not below its prime, or one is no
        ciphertext at all: its second half is zero, so that the first half would be the plain features.
    """
    return _ciphertexts(data, (count,), QUERY_PRIMES)


def read_answers(data: bytes, count: int, results: int) -> Residues:
    """Ciphertexts of results, shape [count, results, 2, 1, 8192], of so many ciphertexts of images.

    :raises MalformedError: as :func:`read_queries`.
    """
    return _ciphertexts(data, (count, results), ANSWER_PRIMES)


def read_evaluation_keys(data: bytes, features: int) -> EvaluationKeys:
    """The evaluation keys for ``features`` features.

    :raises MalformedError: they have another length, a residue is not below its prime, or a polynomial is
        zero.
    """
    count = len(rotations(features))
    public = _residues(data[:PUBLIC_KEY_BYTES], (2, KEY_PRIMES), "the public key")
    rotation = _residues(data[PUBLIC_KEY_BYTES:], (count, QUERY_PRIMES, 2, KEY_PRIMES), "a rotation key")
    if not public.any(axis=-1).all() or not rotation.any(axis=-1).all():
        raise MalformedError(
            "the evaluation keys hold a polynomial that is zero",
            reason="ckks.zero-key",
            advice=_OTHER_SOFTWARE,
        )
    return EvaluationKeys(public, rotation)


def to_bytes(*arrays: Residues) -> bytes:
    """Residues as they travel."""
    return b"".join(np.ascontiguousarray(array, dtype="<u8").tobytes() for array in arrays)


def _ciphertexts(data: bytes, shape: tuple[int, ...], primes: int) -> Residues:
    array = _residues(data, (*shape, 2, primes), "a ciphertext")
    if not array[..., 1, :, :].any(axis=-1).all():
        raise MalformedError(
            "a ciphertext hides nothing: its second half is zero",
            reason="ckks.not-encrypted",
            advice=_OTHER_SOFTWARE,
        )
    return array


def _residues(data: bytes, shape: tuple[int, ...], what: str) -> Residues:
    """The numbers in ``data``, shape [*shape, 8192]; the last number of ``shape`` counts primes."""
    whole = (*shape, DEGREE)
    if len(data) != WORD * int(np.prod(whole)):
        raise MalformedError(
            f"{what} has a different size from the one that these parameters give",
            reason="ckks.other-length",
            advice=_OTHER_SOFTWARE,
        )
    array = np.frombuffer(data, "<u8").reshape(whole)
    limits = np.array(PRIMES[: shape[-1]], np.uint64)
    if (array >= limits[:, None]).any():
        raise MalformedError(
            f"{what} holds a number beyond its modulus: it was made with other parameters",
            reason="ckks.other-modulus",
            advice=_OTHER_SOFTWARE,
        )
    return array
