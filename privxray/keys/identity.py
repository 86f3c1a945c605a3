"""The long-lived keys of a hospital or a coordinator: one to sign, one to be sealed to.

Signing is Ed25519 (RFC 8032). Sealing is HPKE (RFC 9180) with the hybrid KEM of ML-KEM-768 (FIPS 203) and
X25519, so that a recorded file stays shut unless both are broken; its private key has no serialisation in
``cryptography``, so the ML-KEM seed (64 bytes) and the X25519 key (32 bytes) are kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.errors import MalformedError, WrongKeyError
from privxray.formats import canonical
from privxray.formats.header import Strict

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_MLKEM_PUBLIC = 1184
_X25519_PUBLIC = 32
_SEED_BYTES = 32 + 64 + 32


class PublicKeys(Strict):
    """A party's public keys as they travel, in base64: Ed25519 (32 bytes); ML-KEM-768 then X25519 (1,216)."""

    signing: str
    sealing: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the signing key, in hex: how headers name a party."""
        return hashlib.sha256(self._signing_bytes()).hexdigest()

    def verifier(self) -> Ed25519PublicKey:
        """The key that this party's signatures are checked with.

        :raises MalformedError: not a key.
        """
        try:
            return Ed25519PublicKey.from_public_bytes(self._signing_bytes())
        except ValueError:
            raise MalformedError("a signing key is damaged") from None

    def seal(self, secret: bytes, info: bytes) -> bytes:
        """Wrap a short secret so that only this party opens it, and only with the same ``info``.

        :raises MalformedError: the sealing key is not one.
        """
        return _SUITE.encrypt(secret, self.sealer(), info=info)

    def sealer(self) -> MLKEM768X25519PublicKey:
        """The key to seal to.

        :raises MalformedError: not a key.
        """
        raw = canonical.from_base64(self.sealing, "a sealing key", length=_MLKEM_PUBLIC + _X25519_PUBLIC)
        try:
            return MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
                X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:]),
            )
        except ValueError:
            raise MalformedError("a sealing key is damaged") from None

    def _signing_bytes(self) -> bytes:
        return canonical.from_base64(self.signing, "a signing key", length=32)


@dataclass(frozen=True, repr=False)
class Identity:
    """A party's private keys, in memory only while a command signs or opens."""

    signing: Ed25519PrivateKey
    mlkem: MLKEM768PrivateKey
    x25519: X25519PrivateKey

    @classmethod
    def generate(cls) -> Identity:
        """Fresh keys from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate(), MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_secret(cls, secret: bytes) -> Identity:
        """Rebuild what :meth:`secret` gave.

        :raises MalformedError: of another length.
        """
        if len(secret) != _SEED_BYTES:
            raise MalformedError("the key file is damaged (unexpected length)")
        return cls(
            Ed25519PrivateKey.from_private_bytes(secret[:32]),
            MLKEM768PrivateKey.from_seed_bytes(secret[32:96]),
            X25519PrivateKey.from_private_bytes(secret[96:]),
        )

    def secret(self) -> bytes:
        """128 bytes that are the identity; they leave memory only under a passphrase."""
        return (
            self.signing.private_bytes_raw()
            + self.mlkem.private_bytes_raw()
            + self.x25519.private_bytes_raw()
        )

    def public(self) -> PublicKeys:
        """The public half."""
        return PublicKeys(
            signing=canonical.to_base64(self.signing.public_key().public_bytes_raw()),
            sealing=canonical.to_base64(
                self.mlkem.public_key().public_bytes_raw() + self.x25519.public_key().public_bytes_raw()
            ),
        )

    def open(self, wrapped: bytes, info: bytes) -> bytes:
        """Unwrap a secret that was sealed to this party with the same ``info``.

        :raises WrongKeyError: sealed to somebody else, for another purpose, or altered.
        """
        try:
            return _SUITE.decrypt(wrapped, MLKEM768X25519PrivateKey(self.mlkem, self.x25519), info=info)
        except (InvalidTag, ValueError):
            raise WrongKeyError("this file is sealed to another key, or for another study or round") from None

    def storage_key(self, purpose: str) -> bytes:
        """A 32-byte key for small secrets in the workspace, so that they rest under the same passphrase."""
        info = b"privxray storage v1 " + purpose.encode()
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self.signing.private_bytes_raw())
