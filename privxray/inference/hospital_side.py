"""The hospital's side of CKKS: it makes the keys, encrypts features, and decrypts results.

Features are encrypted with the secret key: that adds less noise than the public key, and the owner has no use
for more. The public key travels all the same, because the owner adds a fresh encryption of zero to each
answer.
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
"""The most that a slot without a result may hold, in standard deviations of the owner's noise: 8,192 draws
exceed it once in 10^28 answers."""


@dataclass(frozen=True, repr=False)
class HospitalKeys:
    """A hospital's CKKS keys.

    :ivar secret: shape [4, 8192]; never leaves the hospital.
    :ivar evaluation: the public key and the rotation keys, as they travel.
    """

    secret: Residues
    evaluation: bytes


def make_keys(scheme: Scheme, features: int) -> HospitalKeys:
    """Fresh keys, from SEAL's generator, which the operating system seeds. About two seconds.

    :param features: D; it decides for which rotations there are keys.
    """
    seal = scheme.seal
    maker = seal.KeyGenerator(scheme.context)
    # Each object is held in a name while its numbers are read: the binding's views don't keep it alive.
    secret, public, rotation = maker.secret_key(), seal.PublicKey(), seal.GaloisKeys()
    maker.create_public_key(public)
    elements = [parameters.galois_element(step) for step in parameters.rotations(features)]
    maker.create_galois_keys(elements, rotation)
    digits = [
        scheme.residues(digit.data(), parameters.KEY_PRIMES)
        for element in elements
        for digit in rotation.key(element)
    ]
    evaluation = wire.to_bytes(scheme.residues(public.data(), parameters.KEY_PRIMES), *digits)
    polynomial = secret.data()
    return HospitalKeys(scheme.numbers(polynomial.dyn_array(), parameters.KEY_PRIMES), evaluation)


class HospitalCipher:
    """Encrypts features and decrypts results under one hospital's secret key.

    :param secret: shape [4, 8192], as :class:`HospitalKeys` has it.
    """

    def __init__(self, scheme: Scheme, secret: Residues) -> None:
        self._scheme = scheme
        key = scheme.secret_key(secret)
        self._encryptor = scheme.seal.Encryptor(scheme.context, key)
        self._decryptor = scheme.seal.Decryptor(scheme.context, key)

    def encrypt(self, features: Floats, layout: Layout) -> bytes:
        """The images' ciphertexts, as they travel.

        :param features: [N, D] centred and clipped features, rows of length at most 1.
        """
        parts = []
        for start in range(0, len(features), layout.together):
            rows = features[start : start + layout.together]
            slots = np.tile(rows, layout.copies).ravel()
            plain = self._scheme.plain(slots, parameters.QUERY_PRIMES, parameters.SCALE)
            made = self._scheme.seal.Ciphertext()
            self._encryptor.encrypt_symmetric(plain, made)
            parts.append(wire.to_bytes(self._scheme.residues(made, parameters.QUERY_PRIMES)))
        return b"".join(parts)

    def slots(self, answers: Residues) -> NDArray[np.complex128]:
        """Everything that decryption gives, shape [C, results, 4096].

        :param answers: [C, results, 2, 1, 8192].
        """
        seen = np.empty((*answers.shape[:2], parameters.SLOTS), np.complex128)
        for place in np.ndindex(*answers.shape[:2]):
            plain = self._scheme.seal.Plaintext()
            self._decryptor.decrypt(self._scheme.ciphertext(answers[place], parameters.SCALE), plain)
            seen[place] = self._scheme.encoder.decode_complex(plain)
        return seen

    def decrypt(self, answers: Residues, layout: Layout, noise: float, images: int | None = None) -> Floats:
        """The class scores [N, K] of an answer.

        :param answers: [C, results, 2, 1, 8192].
        :param images: N; by default every ciphertext is full.
        :param noise: the standard deviation of the owner's noise, by the signed header.
        :raises MalformedError: slots without a result hold more than noise. Then the answer was made for
            other keys, or by an owner who does not mask.
        """
        seen = self.slots(answers)
        filled = layout.filled(len(seen) * layout.together if images is None else images)
        scores = np.empty((sum(filled), layout.classes))
        rest = np.ones(seen.shape, bool)
        places = ((c, image) for c, count in enumerate(filled) for image in range(count))
        for row, (ciphertext, image) in enumerate(places):
            for number in range(layout.classes):
                result, slot = layout.place(number, image)
                scores[row, number] = seen[ciphertext, result, slot].real
                rest[ciphertext, result, slot] = False
        if (np.abs(seen[rest]) > _QUIET * noise).any():
            raise MalformedError(
                "the answer does not decrypt to class scores under this hospital's key",
                reason="answer.not-decryptable",
                advice="Call the owner, and ask this owner nothing more until it is clear why",
            )
        return scores
