"""A hospital's statement of its size.

The size is a bracket that the hospital states in advance. It is not a count, and nothing is ever refused
because a hospital has more patients than it stated: a refusal would tell the coordinator about one patient.
The statement travels in the card and then, unchanged, in the plan, so no coordinator can state another.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BeforeValidator

from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.header import Base64, Name, Strict, whole
from privxray.keys.brackets import Bracket
from privxray.keys.identity import PublicKeys
from privxray.keys.statement import verify_signature


class SizeStatement(Strict):
    """A hospital has at most ``bracket`` patients; ``study`` is null in a card that fits any one study."""

    study: Name | None
    bracket: Annotated[Bracket, BeforeValidator(whole)]
    signature: Base64

    @classmethod
    def sign(cls, bracket: Bracket, study: str | None, owner: Ed25519PrivateKey) -> SizeStatement:
        """State a bracket."""
        unsigned = cls(study=study, bracket=bracket, signature="")
        signature = owner.sign(unsigned.signed_bytes())
        return unsigned.model_copy(update={"signature": canonical.to_base64(signature)})

    def verify(self, owner: PublicKeys) -> None:
        """Check the owner's signature.

        :raises IdentityError: not signed by this owner.
        """
        verify_signature(self.signature, self.signed_bytes(), owner, "a statement of size")

    def signed_bytes(self) -> bytes:
        """What the signature is over: DSSE's form of the other fields."""
        payload = canonical.encode({"bracket": self.bracket, "study": self.study})
        return pre_authentication(payload_type("size", 2), payload)
