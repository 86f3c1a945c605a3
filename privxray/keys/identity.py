"""The long-lived keys of a party: one to sign with (Ed25519, RFC 8032), one that others seal to.

The second one is described in :mod:`.sealing_keys`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privxray.errors import MalformedError
from privxray.formats import canonical
from privxray.formats.header import Fingerprint, Strict
from privxray.keys import sealing_keys
from privxray.keys.points import is_ed25519
from privxray.keys.sealing_keys import SealingKey

_SECRET_BYTES = 32 + sealing_keys.SECRET_BYTES


class PublicKeys(Strict):
    """A party's public keys as they travel, in base64: Ed25519 (32 bytes); ML-KEM-768 then X25519 (1,216)."""

    signing: str
    sealing: str

    @property
    def fingerprint(self) -> Fingerprint:
        """SHA-256 of the signing key, in hex: how headers name a party."""
        return Fingerprint(hashlib.sha256(self._signing_bytes()).hexdigest())

    def verifier(self) -> Ed25519PublicKey:
        """The key that this party's signatures are checked with.

        :raises MalformedError: not 32 bytes, or a key by which anybody could sign.
        """
        raw = self._signing_bytes()
        if not is_ed25519(raw):
            raise MalformedError(
                "a signing key is damaged",
                reason="signing-key.weak",
                advice="Its owner has to make a new workspace: privxray init",
            )
        return Ed25519PublicKey.from_public_bytes(raw)  # takes any 32 bytes

    def seal(self, secret: bytes, info: bytes) -> bytes:
        """Wrap a short secret so that only this party can open it, and only with the same ``info``.

        :raises MalformedError: the sealing key is not one.
        """
        return sealing_keys.seal_to(self.sealing, secret, info)

    def check(self) -> None:
        """Check both keys.

        :raises MalformedError: one of them is none, or one that anybody can use.
        """
        self.verifier()
        sealing_keys.parse(self.sealing)

    def _signing_bytes(self) -> bytes:
        return canonical.from_base64(self.signing, "a signing key", reason="signing-key.base64", length=32)


@dataclass(frozen=True, repr=False)
class Identity:
    """A party's private keys, in memory only while a command signs or opens."""

    signing: Ed25519PrivateKey
    sealing: SealingKey

    @classmethod
    def generate(cls) -> Identity:
        """Fresh keys from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate(), SealingKey.generate())

    @classmethod
    def from_secret(cls, secret: bytes) -> Identity:
        """Rebuild what :meth:`secret` gave.

        :raises MalformedError: of another length.
        """
        if len(secret) != _SECRET_BYTES:
            raise MalformedError(
                "the key file is damaged (unexpected length)",
                reason="keyfile.length",
                advice="Restore it from a backup (privxray help backup)",
            )
        return cls(Ed25519PrivateKey.from_private_bytes(secret[:32]), SealingKey.from_secret(secret[32:]))

    def secret(self) -> bytes:
        """The identity as 128 bytes. They leave memory only under a passphrase."""
        return self.signing.private_bytes_raw() + self.sealing.secret()

    def public(self) -> PublicKeys:
        """The public half."""
        signing = canonical.to_base64(self.signing.public_key().public_bytes_raw())
        return PublicKeys(signing=signing, sealing=self.sealing.public())

    def open(self, wrapped: bytes, info: bytes) -> bytes:
        """Unwrap a secret that was sealed to this party with the same ``info``.

        :raises WrongKeyError: sealed to somebody else, for another purpose, or altered.
        """
        return self.sealing.open(wrapped, info)

    def storage_key(self, purpose: str) -> bytes:
        """A 32-byte key for small secrets in the workspace, so that the same passphrase protects them."""
        info = b"privxray storage v1 " + purpose.encode()
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self.signing.private_bytes_raw())
