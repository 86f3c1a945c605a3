"""What a recovery key or a voting hospital signs: that these keys take the place of that one.

``study`` is null where a party's recovery key consents, and the study's name in a vote for a coordinator. So
neither can stand for the other. Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from privxray.formats import canonical
from privxray.formats.container import payload_type, pre_authentication
from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys


def sign_consent(signer: Ed25519PrivateKey, study: str | None, old: Fingerprint, keys: PublicKeys) -> str:
    """Consent that ``keys`` take the place of the key ``old``: the signature in base64."""
    return canonical.to_base64(signer.sign(_signed(study, old, keys)))


def is_consent(
    signature: str, signer: Ed25519PublicKey, study: str | None, old: Fingerprint, keys: PublicKeys
) -> bool:
    """Whether this is the signer's consent.

    :raises MalformedError: it is no signature.
    """
    raw = canonical.from_base64(
        signature, "the signature of a consent", reason="succession.consent-base64", length=64
    )
    try:
        signer.verify(raw, _signed(study, old, keys))
    except InvalidSignature:
        return False
    return True


def _signed(study: str | None, old: Fingerprint, keys: PublicKeys) -> bytes:
    payload = canonical.encode({"keys": keys.model_dump(mode="json"), "old": old, "study": study})
    return pre_authentication(payload_type("consent", 2), payload)
