"""The container: one file format for cards, plans, updates and models.

::

    8 bytes   "PRIVXRAY"
    1 byte    format version, 1
    4 bytes   length E of the envelope, big-endian, at most 4 MiB
    E bytes   DSSE envelope: canonical JSON {"payload", "payloadType", "signatures": [{"keyid", "sig"}]}
    rest      the body, exactly as long as the header says

The envelope follows the Dead Simple Signing Envelope (https://github.com/secure-systems-lab/dsse, v1.0):
the one Ed25519 signature is over ``DSSEv1 SP len(type) SP type SP len(payload) SP payload``. The payload is
the header, and the header holds the SHA-256 of the body, so a gateway verifies what it can't read.

Opening is in two steps on purpose. :func:`split` reads what an unverified file claims: the payload type and
the key id, a hint and no more. :meth:`Envelope.verify` demands a key that the caller trusts and only then
parses the header.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from privxray.errors import IdentityError, MalformedError, StrangeFileError
from privxray.formats import canonical
from privxray.formats.header import KINDS, Body, Fingerprint, Header

MAGIC = b"PRIVXRAY"
VERSION = 1
PREAMBLE = len(MAGIC) + 1 + 4
MAX_ENVELOPE = 4 * 1024 * 1024

H = TypeVar("H", bound=Header)


def payload_type(kind: str) -> str:
    """The DSSE payload type of a kind; it is signed, so one kind can't pass for another."""
    return f"application/vnd.privxray.{kind}+json"


def pre_authentication(type_: str, payload: bytes) -> bytes:
    """DSSE's PAE: the bytes that are signed."""
    name = type_.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


@dataclass(frozen=True)
class Envelope:
    """What stands before the body of an unverified file."""

    kind: str
    payload: bytes
    key_id: Fingerprint  # as claimed
    signature: bytes
    length: int  # of preamble and envelope: the body starts here

    @property
    def digest(self) -> str:
        """SHA-256 of the signed payload, in hex: the identity of this file, and of a plan its plan hash."""
        return hashlib.sha256(self.payload).hexdigest()

    def verify(self, key: Ed25519PublicKey, model: type[H]) -> H:
        """Check the signature with a trusted key, then read the header.

        :raises IdentityError: the signature is not by this key.
        :raises MalformedError: signed, but not a header of this kind.
        """
        if self.key_id != hashlib.sha256(key.public_bytes_raw()).hexdigest():
            raise IdentityError("the file names another signer than the one expected")
        try:
            key.verify(self.signature, pre_authentication(payload_type(self.kind), self.payload))
        except InvalidSignature:
            raise IdentityError(
                "the signature does not match (the file was altered, or somebody else signed it)",
                advice="Ask the sender for the file again",
            ) from None
        return self.claim(model)

    def claim(self, model: type[H]) -> H:
        """Read the header unverified: only to learn a card's or a first plan's own key, or to show it.

        :raises MalformedError: not a header of this kind.
        """
        value = canonical.decode(self.payload, "the header")
        try:
            header = model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "header"
            raise MalformedError(f"the header is damaged ({where[:80]}: {first['type']})") from None
        if header.kind != self.kind:
            raise MalformedError("the header is of another kind than the envelope says")
        return header


def split(start: bytes) -> Envelope:
    """Read preamble and envelope off the first bytes of a file.

    :param start: at least the first ``PREAMBLE + MAX_ENVELOPE`` bytes, or the whole file where it is shorter.
    :raises MalformedError: saying which check failed.
    """
    if not start.startswith(MAGIC):
        raise StrangeFileError("this is not a privxray file", advice="Check that the right file was carried")
    if len(start) < PREAMBLE:
        raise MalformedError("the file is cut off in its preamble", advice="Copy it again")
    if start[len(MAGIC)] != VERSION:
        raise MalformedError(
            f"the file has format version {start[len(MAGIC)]}, this privxray reads version {VERSION}",
            advice="Install the version of privxray that the study uses",
        )
    size = int.from_bytes(start[len(MAGIC) + 1 : PREAMBLE], "big")
    if size > MAX_ENVELOPE:
        raise MalformedError("the envelope is longer than any privxray file's")
    raw = start[PREAMBLE : PREAMBLE + size]
    if len(raw) < size:
        raise MalformedError("the file is cut off in its envelope", advice="Copy it again")
    return _read_envelope(raw)


def _read_envelope(raw: bytes) -> Envelope:
    envelope = canonical.decode(raw, "the envelope")
    match envelope:
        case {
            "payload": str(payload),
            "payloadType": str(type_),
            "signatures": [{"keyid": str(key_id), "sig": str(sig)}],
        }:
            pass
        case _:
            raise MalformedError("the envelope is damaged (unexpected fields)")
    kind = next((kind for kind in KINDS if payload_type(kind) == type_), None)
    if (
        kind is None
        or set(envelope) != {"payload", "payloadType", "signatures"}
        or len(envelope["signatures"][0]) != 2
    ):
        raise MalformedError("the envelope is damaged (unexpected fields)")
    return Envelope(
        kind=kind,
        payload=canonical.from_base64(payload, "the header"),
        key_id=Fingerprint(key_id),
        signature=canonical.from_base64(sig, "the signature", length=64),
        length=PREAMBLE + len(raw),
    )


def seal_header(header: Header, key: Ed25519PrivateKey, key_id: str) -> bytes:
    """Sign a header and return everything that stands before the body."""
    payload = canonical.encode(header.model_dump(mode="json"))
    type_ = payload_type(header.kind)
    raw = canonical.encode(
        {
            "payload": canonical.to_base64(payload),
            "payloadType": type_,
            "signatures": [
                {"keyid": key_id, "sig": canonical.to_base64(key.sign(pre_authentication(type_, payload)))}
            ],
        }
    )
    if len(raw) > MAX_ENVELOPE:
        raise MalformedError("the header is too long for the format")
    return MAGIC + bytes([VERSION]) + len(raw).to_bytes(4, "big") + raw


def check_body(body: Body, length: int, sha256: str) -> None:
    """Compare a body with what its signed header says.

    :raises MalformedError: cut off, longer, or altered.
    """
    if length != body.length:
        fault = "cut off in its body" if length < body.length else "longer than its header says"
        raise MalformedError(f"the file is {fault}", advice="Copy it again")
    if sha256 != body.sha256:
        raise MalformedError("the body is damaged (its SHA-256 differs)", advice="Copy it again")
