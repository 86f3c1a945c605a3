"""Statements of mask keys: X25519 keys of which each serves one round."""

from __future__ import annotations

from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from privxray.errors import MalformedError
from privxray.formats import canonical
from privxray.keys.points import is_x25519
from privxray.keys.statement import Statement


class MaskStatement(Statement):
    """A hospital's statement of the mask key of one round: base64 of 32 bytes."""

    KIND: ClassVar[str] = "mask-key"

    def check_key(self) -> None:
        """See :meth:`public_key`.

        :raises MalformedError: not 32 bytes, not canonical, or of small order.
        """
        self.public_key()

    def public_key(self) -> X25519PublicKey:
        """The key, after the checks that X25519 itself leaves out.

        :raises MalformedError: not 32 bytes, not canonical, or of small order.
        """
        raw = canonical.from_base64(self.key, "a mask key", reason="mask-key.base64", length=32)
        if not is_x25519(raw):
            raise MalformedError(
                "a mask key is not a canonical X25519 key",
                reason="mask-key.weak",
                advice="Its owner has to send a new card: privxray card",
            )
        return X25519PublicKey.from_public_bytes(raw)


def state_mask_key(
    private: X25519PrivateKey, study: str | None, number: int, owner: Ed25519PrivateKey
) -> MaskStatement:
    """Sign the public half of a mask key."""
    key = canonical.to_base64(private.public_key().public_bytes_raw())
    return MaskStatement.sign(key, study, number, owner)
