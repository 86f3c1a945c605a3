"""The container: one file format for cards, plans, updates, models and all other files that travel.

::

    8 bytes   "PRIVXRAY"
    1 byte    format version, 1 or 2
    4 bytes   length E of the envelope, big-endian, at most 4 MiB
    E bytes   DSSE envelope: canonical JSON {"payload", "payloadType", "signatures": [{"keyid", "sig"}]}
    rest      the body, exactly as long as the header says

The envelope follows the Dead Simple Signing Envelope (https://github.com/secure-systems-lab/dsse, v1.0):
its one Ed25519 signature is over ``DSSEv1 SP len(type) SP type SP len(payload) SP payload``. The payload is
the header. The header holds the SHA-256 of the body, so a gateway can verify what it can't read.

Opening takes two steps, on purpose. :func:`split` reads what an unverified file claims: its kind and the id
of its key, as hints. :meth:`Envelope.verify` wants a key that the caller trusts, and only then parses the
header. Of a file of format 2, :func:`split` also reads the features, so that a file of a later version is
refused by the name of what it needs, and not as a damaged one (:mod:`privxray.formats.features`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from privxray.errors import IdentityError, MalformedError, StrangeFileError
from privxray.formats import canonical
from privxray.formats.features import FORMAT_1, Form, check_fields, decoded, form_of_header, other_format
from privxray.formats.header import KINDS, Body, Fingerprint, Header, Kind

MAGIC = b"PRIVXRAY"
READS: tuple[Literal[1, 2], ...] = (1, 2)
"""The formats that this version reads."""
PREAMBLE = len(MAGIC) + 1 + 4
"""Bytes before the envelope: the magic, the version and the envelope's length."""
MAX_ENVELOPE = 4 * 1024 * 1024

_COPY = "Copy it again; if it still fails, ask its sender for it"
_SAME_VERSION = "Install the version of privxray that the study uses"

H = TypeVar("H", bound=Header)


def payload_type(kind: str, format_: int = 1) -> str:
    """The DSSE payload type of a kind. It is signed, so no kind and no format can pass for another."""
    version = "" if format_ == 1 else f".v{format_}"
    return f"application/vnd.privxray.{kind}{version}+json"


def pre_authentication(type_: str, payload: bytes) -> bytes:
    """DSSE's PAE: the bytes that are signed."""
    name = type_.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


@dataclass(frozen=True)
class Envelope:
    """What stands before the body of an unverified file.

    ``length`` is of preamble and envelope together: the body starts there. ``form`` is as claimed, too.
    """

    kind: Kind
    form: Form
    payload: bytes
    key_id: Fingerprint  # as claimed
    signature: bytes
    length: int

    @property
    def digest(self) -> str:
        """SHA-256 of the signed payload, in hex: the identity of this file, and of a plan its plan hash."""
        return hashlib.sha256(self.payload).hexdigest()

    def expect(self, kind: Kind) -> None:
        """Demand a kind.

        :raises MalformedError: the file is of another one.
        """
        if self.kind != kind:
            article = "an" if kind[0] in "aou" else "a"
            raise MalformedError(
                f"this is a file of kind {self.kind}, and {article} {kind} is needed here",
                reason="file.other-kind",
                advice="Check that the right file was carried",
            )

    def verify(self, key: Ed25519PublicKey, model: type[H]) -> H:
        """Check the signature with a trusted key, then read the header.

        :raises IdentityError: the signature is not by this key.
        :raises MalformedError: signed, but not a header of this kind.
        """
        if self.key_id != hashlib.sha256(key.public_bytes_raw()).hexdigest():
            raise IdentityError(
                "the file names a different signer from the one whose key is used",
                reason="signature.other-signer",
                advice="Ask the sender for the file again",
            )
        try:
            type_ = payload_type(self.kind, self.form.format)
            key.verify(self.signature, pre_authentication(type_, self.payload))
        except InvalidSignature:
            raise IdentityError(
                "the signature does not match (the file was altered, or somebody else signed it)",
                reason="signature.wrong",
                advice="Ask the sender for the file again",
            ) from None
        return self.claim(model)

    def claim(self, model: type[H]) -> H:
        """Read the header unverified: only to learn a card's or a first plan's own key, or to show it.

        :raises MalformedError: not a header of this kind.
        """
        value = decoded(self.payload)
        check_fields(value, self.kind, self.form)
        try:
            header = model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "header"
            raise MalformedError(
                f"the header is damaged ({where[:80]}: {first['type']})", reason="header.field", advice=_COPY
            ) from None
        if header.kind != self.kind:
            raise MalformedError(
                "the header is of a different kind from what the envelope says",
                reason="header.other-kind",
                advice="Ask the sender for the file again",
            )
        if header.format != self.form.format:
            raise other_format()
        return header


def stated_length(start: bytes) -> int:
    """How long a file's preamble says that its envelope is; 0 where it is no whole preamble of privxray."""
    if not start.startswith(MAGIC) or len(start) < PREAMBLE:
        return 0
    return int.from_bytes(start[len(MAGIC) + 1 : PREAMBLE], "big")


def split(start: bytes) -> Envelope:
    """Read preamble and envelope off the first bytes of a file.

    :param start: at least the first ``PREAMBLE + MAX_ENVELOPE`` bytes, or the whole file if it is shorter.
    :raises StrangeFileError: it is no file of privxray.
    :raises MalformedError: it is one of another version or with a feature of one, cut off, or damaged.
    """
    if not start.startswith(MAGIC):
        raise StrangeFileError(
            "this is not a privxray file",
            reason="file.not-privxray",
            advice="Check that the right file was carried",
        )
    if len(start) < PREAMBLE:
        raise MalformedError("the file is cut off in its preamble", reason="preamble.cut-off", advice=_COPY)
    version = start[len(MAGIC)]
    if version not in READS:
        raise MalformedError(
            f"the file has format version {version}, this privxray reads versions up to {READS[-1]}",
            reason="file.other-version",
            advice=_SAME_VERSION,
        )
    size = stated_length(start)
    if size > MAX_ENVELOPE:
        raise MalformedError(
            "the envelope is longer than any privxray file's", reason="envelope.too-long", advice=_COPY
        )
    raw = start[PREAMBLE : PREAMBLE + size]
    if len(raw) < size:
        raise MalformedError("the file is cut off in its envelope", reason="envelope.cut-off", advice=_COPY)
    return _read_envelope(raw, version)


def _read_envelope(raw: bytes, version: int) -> Envelope:
    match canonical.decode(raw, "the envelope", reason="envelope.not-canonical"):
        case {
            "payload": str(payload),
            "payloadType": str(type_),
            "signatures": list(signatures),
            **more,
        } if not more:
            pass
        case _:
            raise _unexpected_fields()
    kind = _kind(type_, version)
    header = canonical.from_base64(payload, "the header", reason="header.base64")
    form = FORMAT_1 if version == 1 else form_of_header(decoded(header))
    # After the features: one of a later version may add a signature.
    key_id, signature = _only_signature(signatures)
    return Envelope(
        kind=kind,
        form=form,
        payload=header,
        key_id=key_id,
        signature=canonical.from_base64(signature, "the signature", reason="signature.base64", length=64),
        length=PREAMBLE + len(raw),
    )


def _kind(type_: str, version: int) -> Kind:
    """The kind that a payload type stands for.

    :raises MalformedError: none, or the type is of another format from the file.
    """
    kinds = {payload_type(kind, format_): (kind, format_) for kind in KINDS for format_ in READS}
    kind, format_ = kinds.get(type_, (None, None))
    if kind is None:
        raise MalformedError(
            "the file is of a kind that this privxray does not know",
            reason="envelope.unknown-kind",
            advice=_SAME_VERSION,
        )
    if format_ != version:
        raise MalformedError(
            "the envelope is of a different format from the file's version",
            reason="envelope.other-format",
            advice="Ask the sender for the file again",
        )
    return kind


def _only_signature(signatures: list[Any]) -> tuple[Fingerprint, str]:
    """The key id and the signature, in base64, of a file that has one.

    :raises MalformedError: another number of them, or other fields.
    """
    match signatures:
        case [{"keyid": str(key_id), "sig": str(signature), **more}] if not more:
            return Fingerprint(key_id), signature
    raise _unexpected_fields()


def _unexpected_fields() -> MalformedError:
    return MalformedError(
        "the envelope is damaged (unexpected fields)", reason="envelope.fields", advice=_COPY
    )


def seal_header(header: Header, key: Ed25519PrivateKey, key_id: Fingerprint) -> bytes:
    """Sign a header and return everything that stands before the body.

    :param key_id: the fingerprint of ``key``.
    :raises MalformedError: it is too long for the format.
    """
    payload = canonical.encode(header.stated())
    type_ = payload_type(header.kind, header.format)
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
        raise MalformedError(
            "the header is too long for the format",
            reason="header.too-long",
            advice="A plan's constants, or its number of parties, have to be smaller",
        )
    return MAGIC + bytes([header.format]) + len(raw).to_bytes(4, "big") + raw


def check_body(body: Body, length: int, sha256: str) -> None:
    """Compare a body with what its signed header says.

    :param length: of the body that is there, in bytes; :param sha256: its digest, in hex.
    :raises MalformedError: cut off, longer, or altered.
    """
    if length < body.length:
        raise MalformedError("the file is cut off in its body", reason="body.cut-off", advice=_COPY)
    if length > body.length:
        raise MalformedError(
            "the file is longer than its header says", reason="body.longer-than-said", advice=_COPY
        )
    if sha256 != body.sha256:
        raise MalformedError("the body is damaged (its SHA-256 differs)", reason="body.altered", advice=_COPY)
