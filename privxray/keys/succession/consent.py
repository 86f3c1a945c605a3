"""What a recovery key or a voting hospital signs: that these keys take the place of that one.

Both sign under a type of their own, so neither can stand for the other. Tested in
tests/unit/test_succession.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import JsonValue

from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.header import Digest, Fingerprint, PlanHash
from privxray.keys.identity import PublicKeys
from privxray.keys.succession.last_day import Day


@dataclass(frozen=True)
class Recovery:
    """What a party's recovery key consents to: ``keys`` take the place of the key ``old``."""

    old: Fingerprint
    keys: PublicKeys

    def signed(self) -> bytes:
        """The bytes that are signed."""
        said: dict[str, JsonValue] = {"keys": self.keys.model_dump(mode="json"), "old": self.old}
        return _signed("consent", said | {"study": None})


@dataclass(frozen=True)
class Ballot:
    """What a hospital consents to: ``keys`` take the place of its coordinator's key ``old`` in a study.

    :param round: of the newest plan that the hospital follows. :param plan: that plan's hash.
    :param result: the digest of that plan's model or summary, if the hospital has accepted it.
    :param until: the last day on which the vote counts.
    """

    study: str
    round: int
    plan: PlanHash
    result: Digest | None
    old: Fingerprint
    keys: PublicKeys
    until: Day

    def signed(self) -> bytes:
        """The bytes that are signed."""
        return _signed("ballot", vars(self) | {"keys": self.keys.model_dump(mode="json")})


def sign_consent(signer: Ed25519PrivateKey, consent: Recovery | Ballot) -> str:
    """The signature of a consent, in base64."""
    return canonical.to_base64(signer.sign(consent.signed()))


def is_consent(signature: str, signer: Ed25519PublicKey, consent: Recovery | Ballot) -> bool:
    """Whether this is the signer's consent.

    :raises MalformedError: it is no signature.
    """
    raw = canonical.from_base64(
        signature, "the signature of a consent", reason="succession.consent-base64", length=64
    )
    try:
        signer.verify(raw, consent.signed())
    except InvalidSignature:
        return False
    return True


def _signed(type_: str, said: dict[str, JsonValue]) -> bytes:
    return pre_authentication(payload_type(type_, 2), canonical.encode(said))
