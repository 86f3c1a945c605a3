"""Signed statements of keys that serve one round.

A statement travels in its owner's card, update or share file and then, unchanged, in the plan. So everybody
checks everybody else's key, and a coordinator can't put in one of its own.

Tested in tests/unit/test_keys.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from privxray.errors import IdentityError
from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.header import Base64, Name, Strict
from privxray.keys.identity import PublicKeys


class Statement(Strict, ABC):
    """``number`` counts the owner's keys of this kind from 1; ``study`` is null in a card that fits any one.

    Sub-classes give ``KIND``, which the signature covers, and check that the key is a usable one. ``FORMAT``
    is the format of the files that brought statements of the kind in.
    """

    KIND: ClassVar[str]
    FORMAT: ClassVar[Literal[1, 2]] = 1

    study: Name | None
    number: Annotated[int, Field(ge=1, le=1_000_000)]
    key: Base64
    signature: Base64

    @classmethod
    def sign(cls, key: str, study: str | None, number: int, owner: Ed25519PrivateKey) -> Self:
        """State the public half ``key`` (base64)."""
        unsigned = cls(study=study, number=number, key=key, signature="")
        signature = owner.sign(unsigned.signed_bytes())
        return unsigned.model_copy(update={"signature": canonical.to_base64(signature)})

    def verify(self, owner: PublicKeys) -> None:
        """Check the owner's signature, and that the key is one.

        :raises IdentityError: not signed by this owner.
        :raises MalformedError: not a usable key.
        """
        owned = self.KIND.replace("-", " ")
        article = "an" if owned[0] in "eu" else "a"
        verify_signature(self.signature, self.signed_bytes(), owner, f"{article} {owned}")
        self.check_key()

    @abstractmethod
    def check_key(self) -> None:
        """Check that the key is a usable one of this kind.

        :raises MalformedError: it is not.
        """

    def succeeds(self, before: Self | None, study: str | None) -> bool:
        """Whether this may be the owner's next key after ``before``, in a study."""
        return self.study in (None, study) and (before is None or self.number > before.number)

    def signed_bytes(self) -> bytes:
        """What the signature is over: DSSE's form of the other fields."""
        payload = canonical.encode({"study": self.study, "number": self.number, "key": self.key})
        return pre_authentication(payload_type(self.KIND, self.FORMAT), payload)


def verify_signature(signature: str, signed: bytes, owner: PublicKeys, what: str) -> None:
    """Check the owner's signature of a statement.

    :param signature: as it travels, in base64.
    :param what: names the statement in messages.
    :raises IdentityError: not signed by this owner.
    :raises MalformedError: no signature.
    """
    raw = canonical.from_base64(
        signature, f"the signature of {what}", reason="statement.signature-base64", length=64
    )
    try:
        owner.verifier().verify(raw, signed)
    except InvalidSignature:
        raise IdentityError(
            f"{what} is not signed by its owner",
            reason="statement.not-its-owners",
            advice="Somebody put it in; ask the coordinator where it comes from",
        ) from None
