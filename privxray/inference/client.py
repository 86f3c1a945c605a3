"""The hospital's side of CKKS: keys, encrypting features, decrypting results.

Features are encrypted with the secret key (less noise than with the public one, and the owner has no use for
more). The public key travels all the same: the owner adds a fresh encryption of zero to each answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.errors import MalformedError
from privxray.inference import parameters, wire
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme
from privxray.inference.wire import Residues

Floats = NDArray[np.float64]

_QUIET = 12.0
"""Noise in slots that carry no result, in standard deviations: 8,192 draws exceed it once in 10^28."""


@dataclass(frozen=True, repr=False)
class KeySet:
    """A hospital's CKKS keys. ``secret``, shape [4, 8192], never leaves; ``evaluation`` is what travels."""

    secret: Residues
    evaluation: bytes


def make_keys(scheme: Scheme, features: int) -> KeySet:
    """Fresh keys, from SEAL's generator seeded by the operating system. About two seconds.

    :param features: D; it decides for which rotations there are keys.
    """
    seal = scheme.seal
    maker = seal.KeyGenerator(scheme.context)
    # Each object is held in a name while its numbers are read: the binding's views don't keep it alive.
    secret, public, switching = maker.secret_key(), seal.PublicKey(), seal.GaloisKeys()
    maker.create_public_key(public)
    steps = parameters.rotations(features)
    elements = [parameters.galois_element(step) for step in steps]
    maker.create_galois_keys(elements, switching)
    all_primes = len(parameters.PRIMES)
    digits = []
    for element in elements:
        key = switching.key(element)
        digits += [scheme.residues(digit.data(), all_primes) for digit in key]
    evaluation = wire.to_bytes(scheme.residues(public.data(), all_primes), *digits)
    polynomial = secret.data()
    return KeySet(scheme.numbers(polynomial.dyn_array(), all_primes), evaluation)


class Client:
    """Encrypts and decrypts under one hospital's secret key.

    :param secret: shape [4, 8192], as :class:`KeySet` has it.
    """

    def __init__(self, scheme: Scheme, secret: Residues) -> None:
        self._scheme = scheme
        key = scheme.secret_key(secret)
        self._encryptor = scheme.seal.Encryptor(scheme.context, key)
        self._decryptor = scheme.seal.Decryptor(scheme.context, key)

    def encrypt(self, features: Floats, layout: Layout) -> bytes:
        """One query ciphertext an image.

        :param features: [N, D] centred and clipped features, rows of length at most 1.
        """
        parts = []
        for row in features:
            plain = self._scheme.plain(np.tile(row, layout.copies), parameters.QUERY_PRIMES, parameters.SCALE)
            made = self._scheme.seal.Ciphertext()
            self._encryptor.encrypt_symmetric(plain, made)
            parts.append(wire.to_bytes(self._scheme.residues(made, parameters.QUERY_PRIMES)))
        return b"".join(parts)

    def slots(self, answers: Residues) -> NDArray[np.complex128]:
        """All that decryption gives, shape [N, results, 4096].

        :param answers: [N, results, 2, 1, 8192].
        """
        seen = np.empty((*answers.shape[:2], parameters.SLOTS), np.complex128)
        for place in np.ndindex(*answers.shape[:2]):
            plain = self._scheme.seal.Plaintext()
            self._decryptor.decrypt(self._scheme.ciphertext(answers[place], parameters.SCALE), plain)
            seen[place] = self._scheme.encoder.decode_complex(plain)
        return seen

    def decrypt(self, answers: Residues, layout: Layout, noise: float) -> Floats:
        """The class scores [N, K] of an answer.

        :param noise: the standard deviation of the owner's noise, by the signed header.
        :raises MalformedError: slots that carry no result hold more than noise: made for other keys, or by an
            owner that does not mask.
        """
        seen = self.slots(answers)
        scores = np.empty((len(seen), layout.classes))
        rest = np.ones(seen.shape[1:], bool)
        for number in range(layout.classes):
            result, slot = layout.place(number)
            scores[:, number] = seen[:, result, slot].real
            rest[result, slot] = False
        if (np.abs(seen[:, rest]) > _QUIET * noise).any():
            raise MalformedError("the answer does not decrypt to class scores under this hospital's key")
        return scores
