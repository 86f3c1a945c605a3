"""Mask keys: X25519 keys that serve one round, and their owner's signed statement of each.

A statement travels in the owner's card or update and then verbatim in the plan, so that every hospital
checks every other's mask key by itself and a coordinator can't put in one of its own.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pydantic import Field

from privxray.errors import IdentityError, MalformedError
from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.header import Base64, Name, Strict
from privxray.keys.identity import PublicKeys

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


class MaskStatement(Strict):
    """``number`` counts the owner's mask keys from 1; ``study`` is null in a card that fits any one study."""

    study: Name | None
    number: Annotated[int, Field(ge=1, le=1_000_000)]
    key: Base64
    signature: Base64

    def verify(self, owner: PublicKeys) -> None:
        """Check the owner's signature and that the key is one.

        :raises IdentityError: not signed by this owner.
        :raises MalformedError: not a canonical X25519 key, or one of small order.
        """
        signature = canonical.from_base64(self.signature, "a mask key's signature", length=64)
        try:
            owner.verifier().verify(signature, self._signed_bytes())
        except InvalidSignature:
            raise IdentityError("a mask key is not signed by the hospital that it is said to be of") from None
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

    def _signed_bytes(self) -> bytes:
        payload = canonical.encode({"study": self.study, "number": self.number, "key": self.key})
        return pre_authentication(payload_type("mask-key"), payload)


def state_mask_key(
    private: X25519PrivateKey, study: str | None, number: int, owner: Ed25519PrivateKey
) -> MaskStatement:
    """Sign the public half of a mask key."""
    key = canonical.to_base64(private.public_key().public_bytes_raw())
    unsigned = MaskStatement(study=study, number=number, key=key, signature="")
    signature = owner.sign(unsigned._signed_bytes())
    return unsigned.model_copy(update={"signature": canonical.to_base64(signature)})
