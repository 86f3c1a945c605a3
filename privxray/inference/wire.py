"""Polynomials on the wire: nothing but residues, at lengths that are known before a byte is read.

TenSEAL's own serialisation is compressed, has lengths and parameter blocks inside it, and is parsed by a C++
library. None of that travels. A ciphertext, a public key or a rotation key is an array of little-endian
64-bit residues in the evaluation (NTT) form, of one fixed shape, and every residue is checked against its
prime here, in numpy, before the library sees any. There is then nothing left to be malformed, and no field in
which other parameters, or a secret key, could come along.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.inference import parameters

Residues: TypeAlias = NDArray[np.uint64]


def read_queries(data: bytes, images: int) -> Residues:
    """Ciphertexts of images, shape [images, 2, 3, 8192].

    :raises MalformedError: of another length, a residue that is none, or no ciphertext at all (its second
        half zero, which would be the plain features).
    """
    return _ciphertexts(data, (images,), parameters.QUERY_PRIMES)


def read_answers(data: bytes, images: int, results: int) -> Residues:
    """Ciphertexts of results, shape [images, results, 2, 1, 8192].

    :raises MalformedError: as :func:`read_queries`.
    """
    return _ciphertexts(data, (images, results), parameters.ANSWER_PRIMES)


def read_evaluation_keys(data: bytes, features: int) -> tuple[Residues, Residues]:
    """A public key [2, 4, 8192], and rotation keys [R, 3, 2, 4, 8192] in the order of ``rotations``.

    :raises MalformedError: as :func:`read_queries`.
    """
    count = len(parameters.rotations(features))
    if len(data) != parameters.evaluation_keys_bytes(features):
        raise MalformedError("the evaluation keys have another size than these parameters give")
    cut = parameters.PUBLIC_KEY_BYTES
    public = _residues(data[:cut], (2, 4), 4, "the public key")
    switching = _residues(data[cut:], (count, 3, 2, 4), 4, "a rotation key")
    if not public.any(axis=-1).all() or not switching.any(axis=-1).all():
        raise MalformedError("the evaluation keys hold a polynomial that is zero")
    return public, switching


def to_bytes(*arrays: Residues) -> bytes:
    """Residues as they travel."""
    return b"".join(np.ascontiguousarray(array, dtype="<u8").tobytes() for array in arrays)


def _ciphertexts(data: bytes, shape: tuple[int, ...], primes: int) -> Residues:
    array = _residues(data, (*shape, 2, primes), primes, "a ciphertext")
    if not array[..., 1, :, :].any(axis=-1).all():
        raise MalformedError("a ciphertext is not one: its second half is zero")
    return array


def _residues(data: bytes, shape: tuple[int, ...], primes: int, what: str) -> Residues:
    whole = (*shape, parameters.DEGREE)
    if len(data) != parameters.WORD * int(np.prod(whole)):
        raise MalformedError(f"{what} has another size than these parameters give")
    array = np.frombuffer(data, "<u8").reshape(whole)
    limits = np.array(parameters.PRIMES[:primes], np.uint64)
    if (array >= limits[:, None]).any():
        raise MalformedError(f"{what} holds a number beyond its modulus: it is of other parameters")
    return array
