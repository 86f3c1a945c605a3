"""The numbers that hide what a proof of bounds is made of, each drawn for one use.

An answer is e times a secret plus a mask. Two answers with one mask and two e give the secret away. So masks
must not come twice, not even where the operating system's random bytes do (a virtual machine that was copied
or put back). They are hedged: made of random bytes *and* of the secret and what the proof is about, so that
another plan gives other masks all the same (Aranha, Orlandi, Takahashi and Zaverucha 2020, "Security of
hedged Fiat-Shamir signatures under fault attacks").
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.exchange.commitments.group import WIDE_BYTES
from privxray.exchange.commitments.scalars import to_bytes

_LABEL = b"privxray bounds masks v2"
_KEY_BYTES = 32


class ProofMasks:
    """The AES-256-CTR keystream under HKDF-SHA256 of the secret, with random salt, as uniform numbers.

    :param secret: the scalars that are proven something of, the blinding factor among them.
    :param about: :func:`~privxray.exchange.bounds.bound_proof.subject`.
    :param commitment: C, the commitment to the scalars.
    """

    def __init__(self, secret: Sequence[int], about: bytes, commitment: bytes) -> None:
        salt, info = os.urandom(_KEY_BYTES), _LABEL + about + commitment
        key = HKDF(SHA256(), _KEY_BYTES, salt=salt, info=info).derive(to_bytes(secret))
        self._keystream = Cipher(AES256(key), CTR(bytes(16))).encryptor()

    def below(self, limit: int, number: int) -> list[int]:
        """So many numbers from 0 to ``limit`` - 1, each uniform but for ``limit`` / 2**512."""
        wide = (self._keystream.update(bytes(WIDE_BYTES)) for _ in range(number))
        return [int.from_bytes(one, "little") % limit for one in wide]
