"""Sealing the body of a query or an answer to one party, and opening it.

HPKE's ``info`` names the file that a body key belongs to, as docs/SPEC.md has it for updates. Where an update
has its plan, a query has the offer that it is for, and an answer the query that it answers: ``about``. A body
opens nowhere else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from privxray.errors import MalformedError
from privxray.exchange.sharing.binding import hpke_info
from privxray.formats import canonical, stream
from privxray.formats.header import Body, Header, SealedKey
from privxray.keys.identity import Identity, PublicKeys


def seal_body(
    kind: str, data: bytes, *, sender: str, recipient: PublicKeys, study: str | None, about: str
) -> tuple[Body, bytes]:
    """Encrypt ``data`` under a fresh key for ``recipient``: the body's description, and the body.

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


def open_body(header: Header, about: str, pieces: Iterable[bytes], own: Identity) -> bytes:
    """Decrypt the body of a file whose header and digest have been verified.

    :raises WrongKeyError: not sealed to this party for this exchange.
    :raises MalformedError: not encrypted, or a chunk fails authentication.
    """
    if header.body.key is None or header.body.cipher == "none":
        raise MalformedError("the file is not encrypted")
    info = hpke_info(
        kind=header.kind,
        purpose="body key",
        study=header.study,
        plan=about,
        sender=header.sender,
        recipient=own.public().fingerprint,
    )
    wrapped = canonical.from_base64(header.body.key.wrapped, "the body's key")
    return b"".join(stream.unseal(own.open(wrapped, info), pieces))
