"""A party's statement of its recovery key. It travels in its card and then, unchanged, in the plan.

So everybody knows the recovery key before the party's own key is lost, and no coordinator can state another.

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from privxray.errors import MalformedError
from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.header import Base64, Strict
from privxray.keys.identity import PublicKeys
from privxray.keys.points import is_ed25519
from privxray.keys.statement import verify_signature

_ANEW = "Its owner has to make another one (privxray recovery make), and a fresh card"


class RecoveryStatement(Strict):
    """``key`` is base64 of an Ed25519 key (32 bytes); the party's own key signs it."""

    key: Base64
    signature: Base64

    @classmethod
    def sign(cls, key: str, owner: Ed25519PrivateKey) -> RecoveryStatement:
        """State the public half ``key`` (base64)."""
        unsigned = cls(key=key, signature="")
        signature = owner.sign(unsigned.signed_bytes())
        return unsigned.model_copy(update={"signature": canonical.to_base64(signature)})

    def verify(self, owner: PublicKeys) -> None:
        """Check the owner's signature, and that the key is a usable one.

        :raises IdentityError: not signed by this owner.
        :raises MalformedError: no key, one by which anybody could sign, or the owner's own.
        """
        verify_signature(self.signature, self.signed_bytes(), owner, "a recovery key")
        self.verifier()
        if self.key == owner.signing:
            raise MalformedError(
                "the recovery key is the very key that it stands in for",
                reason="recovery.own-key",
                advice=_ANEW,
            )

    def verifier(self) -> Ed25519PublicKey:
        """The key that a succession's consent is checked with.

        :raises MalformedError: not 32 bytes, or a key by which anybody could sign.
        """
        raw = canonical.from_base64(self.key, "a recovery key", reason="recovery.key-base64", length=32)
        if not is_ed25519(raw):
            raise MalformedError("a recovery key is damaged", reason="recovery.weak-key", advice=_ANEW)
        return Ed25519PublicKey.from_public_bytes(raw)

    def signed_bytes(self) -> bytes:
        """What the signature is over: DSSE's form of the key."""
        return pre_authentication(payload_type("recovery", 2), canonical.encode({"key": self.key}))
