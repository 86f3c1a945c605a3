"""Sealing the body of a query or an answer to one party, and opening it.

HPKE's ``info`` names the file that a body key belongs to (docs/SPEC.md, section 1). An update names its plan
there; a query names the offer that it is for, and an answer the query that it answers. That file's digest is
called ``about`` here. A body opens nowhere else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from privxray.errors import RefusedError
from privxray.exchange.sharing.hpke_info import hpke_info
from privxray.formats import canonical, stream
from privxray.formats.header import Body, Fingerprint, Header, SealedKey
from privxray.inference import parameters
from privxray.keys.identity import Identity, PublicKeys

_SAME_VERSION = "Both sides need the same version of privxray"


def seal_body(
    kind: str, data: bytes, *, sender: Fingerprint, recipient: PublicKeys, study: str | None, about: str
) -> tuple[Body, bytes]:
    """Encrypt ``data`` under a fresh key for ``recipient``: the body's description, and the body.

    :param kind: ``query`` or ``answer``.
    :param sender: a fingerprint, in hex.
    :param about: the digest of the file that this one answers, in hex.
    """
    key, to = os.urandom(stream.KEY_BYTES), recipient.fingerprint
    body = b"".join(stream.seal(key, [data]))
    info = hpke_info(kind=kind, purpose="body key", study=study, plan=about, sender=sender, recipient=to)
    described = Body(
        length=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        cipher="chacha20poly1305-stream",
        key=SealedKey(recipient=to, wrapped=canonical.to_base64(recipient.seal(key, info))),
    )
    return described, body


def expect_sealed(header: Header, length: int) -> None:
    """A body that is sealed to the file's one recipient, and that holds so many bytes.

    :param length: of the body before it was sealed, in bytes.
    :raises RefusedError: it is not encrypted, sealed to somebody else, or of another length.
    """
    if (_sealed_key(header).recipient,) != header.recipients:
        raise RefusedError(
            "its body is sealed to somebody else than its recipient",
            reason="sealed-body.other-recipient",
            advice=_SAME_VERSION,
        )
    if header.body.length != stream.sealed_length(length):
        raise RefusedError(
            f"its body has not the length that {parameters.ID} gives for so many images",
            reason="sealed-body.other-length",
            advice=_SAME_VERSION,
        )


def open_body(header: Header, about: str, pieces: Iterable[bytes], own: Identity) -> bytes:
    """Decrypt the body of a file whose header and digest have been verified.

    :raises RefusedError: it is not encrypted.
    :raises WrongKeyError: it is not sealed to this party for this exchange.
    :raises MalformedError: a chunk fails authentication.
    """
    info = hpke_info(
        kind=header.kind,
        purpose="body key",
        study=header.study,
        plan=about,
        sender=header.sender,
        recipient=own.public().fingerprint,
    )
    wrapped = canonical.from_base64(_sealed_key(header).wrapped, "the body's key", reason="body-key.base64")
    return b"".join(stream.unseal(own.open(wrapped, info), pieces))


def _sealed_key(header: Header) -> SealedKey:
    if header.body.cipher == "none" or header.body.key is None:
        raise RefusedError("its body is not encrypted", reason="sealed-body.plain", advice=_SAME_VERSION)
    return header.body.key
