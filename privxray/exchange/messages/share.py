"""A share file: a keyholder's one answer of a round, sealed to the coordinator.

The plaintext body is shares and salts, 49 bytes together, in the order of
:func:`~privxray.exchange.sharing.dealing.secrets_to_open`: for each survivor its self-mask's seed, then its
pairwise keys with each missing hospital.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Literal

from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.request import SignedRequest
from privxray.exchange.sharing.dealing import OPENED_BYTES, Opened, SecretName, secrets_to_open
from privxray.exchange.sharing.hpke_info import hpke_info
from privxray.formats import canonical, stream
from privxray.formats.container import seal_header
from privxray.formats.header import Body, Digest, Fingerprint, Header, PlanHash, SealedKey, Stamp
from privxray.keys.identity import Identity
from privxray.keys.unsealing_statement import UnsealingStatement


class ShareHeader(Header):
    """``request`` is the digest of the request that is answered; ``next_unsealing`` serves the next plan."""

    kind: Literal["share"] = "share"
    request: Digest
    next_unsealing: UnsealingStatement


def body_length(survivors: int, hospitals: int) -> int:
    """Bytes of a share file's plaintext body."""
    return survivors * (1 + hospitals - survivors) * OPENED_BYTES


def write_share(
    opened: Mapping[Fingerprint, Mapping[SecretName, Opened]],
    asked: SignedRequest,
    plan: PlanHeader,
    identity: Identity,
    next_unsealing: UnsealingStatement,
    stamp: Stamp,
) -> bytes:
    """Answer a request that was admitted, with no more than it may get.

    :param opened: by survivor, all shares of this keyholder's box; only those that open the sum are written.
    """
    request = asked.request
    pairs = secrets_to_open(request.survivors, plan.hospitals)
    plain = b"".join(opened[owner][secret].to_bytes() for owner, secret in pairs)
    key = os.urandom(stream.KEY_BYTES)
    body = b"".join(stream.seal(key, (plain,)))
    sender, recipient = identity.public().fingerprint, plan.sender
    info = _info(request.study, request.plan, sender, recipient)
    header = ShareHeader(
        study=request.study,
        round=request.round,
        sender=sender,
        recipients=(recipient,),
        plan=request.plan,
        body=Body(
            length=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            cipher="chacha20poly1305-stream",
            key=SealedKey(recipient=recipient, wrapped=canonical.to_base64(plan.coordinator.seal(key, info))),
        ),
        created=stamp.created,
        software=stamp.software,
        request=asked.digest,
        next_unsealing=next_unsealing,
    )
    return seal_header(header, identity.signing, sender) + body


def open_share(
    header: ShareHeader,
    body: bytes,
    survivors: Sequence[Fingerprint],
    plan: PlanHeader,
    coordinator: Identity,
) -> dict[tuple[Fingerprint, SecretName], Opened]:
    """The shares of an admitted share file, by (owner, secret). They are not yet held against commitments.

    :param survivors: of the request that it answers.
    :raises WrongKeyError: not sealed to this coordinator for this plan.
    :raises MalformedError: a chunk fails authentication.
    """
    assert header.body.key is not None  # admit_share demands it
    info = _info(header.study, header.plan, header.sender, coordinator.public().fingerprint)
    wrapped = canonical.from_base64(header.body.key.wrapped, "the body's key", reason="body-key.base64")
    plain = b"".join(stream.unseal(coordinator.open(wrapped, info), (body,)))
    pairs = secrets_to_open(survivors, plan.hospitals)
    assert len(plain) == len(pairs) * OPENED_BYTES  # admit_share demands the one length that gives
    return {
        pair: Opened.from_bytes(plain[place * OPENED_BYTES : (place + 1) * OPENED_BYTES])
        for place, pair in enumerate(pairs)
    }


def _info(study: str | None, plan: PlanHash | None, sender: Fingerprint, recipient: Fingerprint) -> bytes:
    return hpke_info(
        kind="share", purpose="body key", study=study, plan=plan, sender=sender, recipient=recipient
    )
