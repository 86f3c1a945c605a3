"""Secrets that each two hospitals agree on by ML-KEM-768, and the secret of each round that comes of one.

Section 8 of docs/SPEC-2.md. u, with the lower fingerprint, encapsulates to v's key once in a study. From what
both get, K, and with n the round of the plan that asked for it:

    c_n     = HKDF-SHA256(K, salt = that plan's hash, info = "privxray agreed secret v2" | lower | higher
                          fingerprint | SHA-256(ciphertext))
    c_(i+1) = HKDF-SHA256(c_i, salt = none, info = "privxray next secret v2")

c_i goes into the mask key of the plan of round i, beside X25519 (:func:`.masks.pairwise_key`). Nobody can go
back from c_(i+1) to c_i. So a hospital that destroys c_i with its mask key of round i can't compute that
round's masks any more, and no further ciphertext is needed in any later round. Why so: docs/adr/0143.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.formats.header import Fingerprint, PlanHash

SECRET_BYTES = 32
_AGREED = b"privxray agreed secret v2"
_NEXT = b"privxray next secret v2"


def agreed_secret(
    shared: bytes, plan: PlanHash, one: Fingerprint, other: Fingerprint, ciphertext: bytes
) -> bytes:
    """The first secret of two hospitals, 32 bytes, for the round of the plan that asked for it.

    :param shared: the 32 bytes that both got from ``ciphertext`` by ML-KEM-768.
    :param one: one hospital; :param other: the other. Their order does not matter.
    """
    low, high = sorted((bytes.fromhex(one), bytes.fromhex(other)))
    info = _AGREED + low + high + hashlib.sha256(ciphertext).digest()
    return HKDF(SHA256(), SECRET_BYTES, salt=bytes.fromhex(plan), info=info).derive(shared)


def later_secret(secret: bytes, rounds: int) -> bytes:
    """The secret of so many rounds later, at least 0."""
    for _ in range(rounds):
        secret = HKDF(SHA256(), SECRET_BYTES, salt=None, info=_NEXT).derive(secret)
    return secret
