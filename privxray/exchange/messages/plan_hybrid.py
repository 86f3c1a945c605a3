"""What a plan with hybrid masks says beside other plans (docs/SPEC-2.md, section 8).

A plan of the task ``agree`` has an encapsulation key for each hospital, and asks for agreements. The plan
that follows it has what they encapsulated. All later plans have neither: their secrets come of the first
ones.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from privxray.errors import RefusedError
from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.features import HYBRID_MASKS
from privxray.formats.header import Base64, Fingerprint, PlanHash, Strict
from privxray.keys.encapsulation_statement import CIPHERTEXT_BYTES
from privxray.keys.identity import PublicKeys
from privxray.keys.statement import verify_signature

MAX_AGREEING = 60
"""The most hospitals with hybrid masks: n (n - 1) / 2 ciphertexts have to fit into one header of 4 MiB."""

_ALONE = (
    "X25519 alone. Whoever keeps the files until a quantum computer breaks X25519, and can "
    "open the updates as well (the coordinator, or who gets its keys), could then see each hospital's own "
    "noisy result, which epsilon still covers. A plan with --masks hybrid rules that out"
)


class Ciphertext(Strict):
    """What was encapsulated to one hospital: base64 of 1,088 bytes."""

    to: Fingerprint
    ciphertext: Base64

    def raw(self) -> bytes:
        """The ciphertext.

        :raises MalformedError: it is not of the length of ML-KEM-768's.
        """
        return canonical.from_base64(
            self.ciphertext, "a ciphertext", reason="agreement.ciphertext", length=CIPHERTEXT_BYTES
        )


class StatedCiphertexts(Strict):
    """Hospital ``party``'s statement of what it encapsulated under a plan of the task ``agree``, ascending.

    ``plan`` is the hash of that plan, so the statement counts in no other study or round.
    """

    party: Fingerprint
    plan: PlanHash
    ciphertexts: Annotated[tuple[Ciphertext, ...], Field(strict=False, max_length=MAX_AGREEING)]
    signature: Base64

    @classmethod
    def sign(
        cls,
        party: Fingerprint,
        plan: PlanHash,
        ciphertexts: tuple[Ciphertext, ...],
        owner: Ed25519PrivateKey,
    ) -> StatedCiphertexts:
        """State what was encapsulated."""
        unsigned = cls(party=party, plan=plan, ciphertexts=ciphertexts, signature="")
        signature = owner.sign(unsigned.signed_bytes())
        return unsigned.model_copy(update={"signature": canonical.to_base64(signature)})

    def verify(self, owner: PublicKeys) -> None:
        """Check the owner's signature, the order of the ciphertexts and their lengths.

        :raises IdentityError: not signed by this owner.
        :raises RefusedError: it is out of order, names a hospital twice, or one that encapsulates to it.
        :raises MalformedError: a ciphertext is none.
        """
        verify_signature(self.signature, self.signed_bytes(), owner, "a statement of ciphertexts")
        to = [one.to for one in self.ciphertexts]
        if to != sorted(set(to)) or any(one <= self.party for one in to):
            raise RefusedError(
                "the ciphertexts are not for hospitals with higher fingerprints, ascending and each once",
                reason="agreement.recipients-not-ascending",
                advice="Ask its sender for another agreement: privxray join with the plan that asked for it",
            )
        for one in self.ciphertexts:
            one.raw()

    def to(self, party: Fingerprint) -> bytes | None:
        """The ciphertext for this hospital; None where there is none."""
        return next((one.raw() for one in self.ciphertexts if one.to == party), None)

    def signed_bytes(self) -> bytes:
        """What the signature is over: DSSE's form of the other fields."""
        payload = canonical.encode(self.model_dump(mode="json", exclude={"signature"}))
        return pre_authentication(payload_type("ciphertexts", 2), payload)


def masks_term(features: Collection[str]) -> str:
    """What the masks of a plan with these features rest on, in a few words for its terms."""
    return "X25519 and ML-KEM-768 together" if HYBRID_MASKS in features else "X25519 alone"


def masks_remark(features: Collection[str]) -> str | None:
    """What everybody should know who follows a plan without hybrid masks, in plain words."""
    return None if HYBRID_MASKS in features else _ALONE
