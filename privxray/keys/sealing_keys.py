"""Sealing keys: HPKE (RFC 9180) with the hybrid KEM of ML-KEM-768 (FIPS 203) and X25519.

Whoever records a file can't open it later without breaking both. ``cryptography`` can't serialise the hybrid
private key, so what is kept are the ML-KEM seed (64 bytes) and the X25519 key (32 bytes).
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from privxray.errors import MalformedError, WrongKeyError
from privxray.formats import canonical
from privxray.keys.points import is_x25519

_NEW_KEY = "Ask its owner for a new card"
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_MLKEM_PUBLIC = 1184
_X25519_PUBLIC = 32
_MLKEM_SEED = 64
SECRET_BYTES = _MLKEM_SEED + 32
SEALED_OVERHEAD = 1088 + 32 + 16
"""Bytes that sealing adds: the ML-KEM ciphertext, the ephemeral X25519 key and the tag."""


@dataclass(frozen=True, repr=False)
class SealingKey:
    """A private key that others seal to."""

    mlkem: MLKEM768PrivateKey
    x25519: X25519PrivateKey

    @classmethod
    def generate(cls) -> SealingKey:
        """A fresh key from the operating system's randomness."""
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_secret(cls, secret: bytes) -> SealingKey:
        """Rebuild what :meth:`secret` gave (96 bytes)."""
        assert (
            len(secret) == SECRET_BYTES
        )  # it was kept authentically encrypted, or is a part of a checked length
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(secret[:_MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(secret[_MLKEM_SEED:]),
        )

    def secret(self) -> bytes:
        """The ML-KEM seed, then the X25519 key: 96 bytes."""
        return self.mlkem.private_bytes_raw() + self.x25519.private_bytes_raw()

    def public(self) -> str:
        """The public half as it travels: base64 of ML-KEM-768's 1,184 bytes and X25519's 32."""
        return canonical.to_base64(
            self.mlkem.public_key().public_bytes_raw() + self.x25519.public_key().public_bytes_raw()
        )

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open what was sealed to this key with the same ``info``.

        :raises WrongKeyError: sealed to another key, for another purpose, or altered.
        """
        try:
            return _SUITE.decrypt(sealed, MLKEM768X25519PrivateKey(self.mlkem, self.x25519), info=info)
        except (InvalidTag, ValueError):
            raise WrongKeyError(
                "this file is sealed to another key, or for another study or round",
                reason="seal.other-key",
                advice="Ask its sender to make the file for this party and round",
            ) from None


def parse(public: str) -> MLKEM768X25519PublicKey:
    """Read a public sealing key.

    :raises MalformedError: not one, or its X25519 half is not canonical or of small order.
    """
    length = _MLKEM_PUBLIC + _X25519_PUBLIC
    raw = canonical.from_base64(public, "a sealing key", reason="sealing-key.base64", length=length)
    if not is_x25519(raw[_MLKEM_PUBLIC:]):
        raise MalformedError(
            "a sealing key is damaged (its X25519 half)", reason="sealing-key.weak", advice=_NEW_KEY
        )
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:]),
        )
    except ValueError:
        raise MalformedError(
            "a sealing key is damaged (its ML-KEM half)", reason="sealing-key.not-mlkem", advice=_NEW_KEY
        ) from None


def seal_to(public: str, secret: bytes, info: bytes) -> bytes:
    """Seal ``secret`` so that only the holder of ``public``'s private half opens it, with the same ``info``.

    HPKE's base mode does not prove who sealed. The signed header around it does.

    :raises MalformedError: ``public`` is not a sealing key.
    """
    return _SUITE.encrypt(secret, parse(public), info=info)
