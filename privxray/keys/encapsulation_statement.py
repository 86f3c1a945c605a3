"""Statements of encapsulation keys: ML-KEM-768 keys (FIPS 203) to which other hospitals encapsulate once.

They belong to the feature ``hybrid-masks`` (docs/SPEC-2.md, section 8). Each serves one plan of the task
``agree``. It is a statement of its own, beside that of the mask key, so that one card serves a plan with
hybrid masks as well as one without.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from privxray.errors import MalformedError
from privxray.formats import canonical
from privxray.keys.statement import Statement

PUBLIC_BYTES = 1184
CIPHERTEXT_BYTES = 1088
SHARED_BYTES = 32


class EncapsulationStatement(Statement):
    """A hospital's statement of its encapsulation key: base64 of 1,184 bytes."""

    KIND: ClassVar[str] = "encapsulation-key"
    FORMAT: ClassVar[Literal[1, 2]] = 2

    def check_key(self) -> None:
        """See :meth:`public_key`.

        :raises MalformedError: not 1,184 bytes, or it fails the modulus check.
        """
        self.public_key()

    def public_key(self) -> MLKEM768PublicKey:
        """The key, after the checks of FIPS 203, section 7.2: its length, and each coefficient below q.

        :raises MalformedError: not 1,184 bytes, or it fails the modulus check.
        """
        raw = canonical.from_base64(
            self.key, "an encapsulation key", reason="encapsulation-key.base64", length=PUBLIC_BYTES
        )
        try:
            return MLKEM768PublicKey.from_public_bytes(raw)
        except ValueError:
            raise MalformedError(
                "an encapsulation key is not an ML-KEM-768 key (it fails the modulus check)",
                reason="encapsulation-key.not-mlkem",
                advice="Its owner has to send a new card: privxray card",
            ) from None


def state_encapsulation_key(
    private: MLKEM768PrivateKey, study: str | None, number: int, owner: Ed25519PrivateKey
) -> EncapsulationStatement:
    """Sign the public half of an encapsulation key."""
    key = canonical.to_base64(private.public_key().public_bytes_raw())
    return EncapsulationStatement.sign(key, study, number, owner)
