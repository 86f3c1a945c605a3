"""Bodies that are encrypted for one party: a fresh key for each body, sealed to the recipient.

HPKE's ``info`` names the file that a body key belongs to (:mod:`.hpke_info`): a body opens nowhere else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

from privxray.formats import canonical, stream
from privxray.formats.header import Body, Digest, Fingerprint, Header, Kind, PlanHash, SealedKey
from privxray.keys.hpke_info import hpke_info
from privxray.keys.identity import Identity, PublicKeys


def seal_body(
    kind: Kind,
    pieces: Iterable[bytes],
    *,
    sender: Fingerprint,
    recipient: PublicKeys,
    study: str | None,
    about: PlanHash | Digest,
) -> tuple[Body, bytes]:
    """Encrypt ``pieces`` under a fresh key for ``recipient``: the body's description, and the body.

    :param about: what the file belongs to: the hash of its plan; of a query or an answer, the digest of the
        file that it answers.
    """
    described, (key,), body = seal_body_for(
        kind, pieces, sender=sender, recipients=(recipient,), study=study, about=about
    )
    return described.model_copy(update={"key": key}), body


def seal_body_for(
    kind: Kind,
    pieces: Iterable[bytes],
    *,
    sender: Fingerprint,
    recipients: Sequence[PublicKeys],
    study: str | None,
    about: PlanHash | Digest,
) -> tuple[Body, tuple[SealedKey, ...], bytes]:
    """Encrypt ``pieces`` once for several recipients: the body's description, its key for each, the body.

    The keys are in ascending order of their recipients. The parameters are those of :func:`seal_body`.
    """
    key = os.urandom(stream.KEY_BYTES)
    body = b"".join(stream.seal(key, pieces))
    keys = []
    for to in sorted(recipients, key=lambda one: one.fingerprint):
        info = hpke_info(
            kind=kind,
            purpose="body key",
            study=study,
            plan=about,
            sender=sender,
            recipient=to.fingerprint,
        )
        keys.append(SealedKey(recipient=to.fingerprint, wrapped=canonical.to_base64(to.seal(key, info))))
    described = Body(
        length=len(body), sha256=hashlib.sha256(body).hexdigest(), cipher="chacha20poly1305-stream"
    )
    return described, tuple(keys), body


def open_body(
    header: Header, about: PlanHash | Digest | None, pieces: Iterable[bytes], own: Identity
) -> Iterator[bytes]:
    """Decrypt the body of a file that was admitted, and whose body digest was verified.

    :param about: as for :func:`seal_body`.
    :raises WrongKeyError: it is not sealed to this party for this purpose.
    :raises MalformedError: its key can't be read, or a chunk fails authentication.
    """
    assert header.body.key is not None  # the rules of admission demand it
    return open_with(header.body.key, header, about, pieces, own)


def open_with(
    key: SealedKey, header: Header, about: PlanHash | Digest | None, pieces: Iterable[bytes], own: Identity
) -> Iterator[bytes]:
    """Decrypt a body by one of the keys that it is sealed with; see :func:`open_body`."""
    return stream.unseal(body_key(key, header, about, own), pieces)


def body_key(key: SealedKey, header: Header, about: PlanHash | Digest | None, own: Identity) -> bytes:
    """The 32-byte key of a body, as it is sealed to this party.

    :raises WrongKeyError: it is not sealed to this party for this purpose.
    :raises MalformedError: it can't be read.
    """
    info = hpke_info(
        kind=header.kind,
        purpose="body key",
        study=header.study,
        plan=about,
        sender=header.sender,
        recipient=own.public().fingerprint,
    )
    wrapped = canonical.from_base64(key.wrapped, "the body's key", reason="body-key.base64")
    return own.open(wrapped, info)
