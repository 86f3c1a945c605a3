"""Mask keys: X25519 keys that serve one round."""

from __future__ import annotations

from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from privxray.errors import MalformedError
from privxray.formats import canonical
from privxray.keys.statement import Statement

_P = 2**255 - 19
# Clamping makes every X25519 scalar a multiple of 8, so these points (RFC 7748, section 6.1; the table in
# Bernstein's curve25519 page) give a shared secret of zero. Canonical encodings below p only.
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


class MaskStatement(Statement):
    """A hospital's statement of the mask key of one round: base64 of 32 bytes."""

    KIND: ClassVar[str] = "mask-key"

    def check_key(self) -> None:
        """:raises MalformedError: not canonical, or of small order."""
        self.public_key()

    def public_key(self) -> X25519PublicKey:
        """The key, after the checks that X25519 itself leaves out.

        :raises MalformedError: not canonical, or of small order.
        """
        raw = canonical.from_base64(self.key, "a mask key", length=32)
        value = int.from_bytes(raw, "little")
        if value >= _P or value in _SMALL_ORDER:
            raise MalformedError("a mask key is not a canonical X25519 key")
        return X25519PublicKey.from_public_bytes(raw)


def state_mask_key(
    private: X25519PrivateKey, study: str | None, number: int, owner: Ed25519PrivateKey
) -> MaskStatement:
    """Sign the public half of a mask key."""
    key = canonical.to_base64(private.public_key().public_bytes_raw())
    return MaskStatement.sign(key, study, number, owner)
