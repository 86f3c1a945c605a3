"""A request: the coordinator asks the keyholders to open the sum of one set of survivors.

The body is the signed envelopes of the survivors' updates, in the order of their fingerprints and without the
updates' bodies. They prove to a keyholder that each survivor delivered under this very plan. They also carry
the keyholder's boxes of shares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from privxray.errors import MalformedError
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.container import MAX_ENVELOPE, PREAMBLE, Envelope, seal_header, split
from privxray.formats.header import Body, Digest, Fingerprint, Header, Stamp
from privxray.keys.identity import Identity
from privxray.keys.roster import MAX_HOSPITALS

_DONT_HELP = "Don't help; tell the data officers of the hospitals"


class RequestHeader(Header):
    """``survivors`` are the hospitals whose sum is to be opened, ascending and each once."""

    kind: Literal["request"] = "request"
    survivors: Annotated[tuple[Fingerprint, ...], Field(strict=False, min_length=1, max_length=MAX_HOSPITALS)]


@dataclass(frozen=True)
class SignedRequest:
    """A request together with its digest, by which share files name it."""

    request: RequestHeader
    digest: Digest

    @classmethod
    def claimed(cls, envelope: Envelope) -> SignedRequest:
        """What an envelope says, its signature unverified.

        :raises MalformedError: it is not a request's.
        """
        return cls(envelope.claim(RequestHeader), envelope.digest)


def write_request(
    envelopes: Mapping[Fingerprint, bytes], signed: SignedPlan, identity: Identity, stamp: Stamp
) -> bytes:
    """Sign a request.

    :param envelopes: by survivor's fingerprint, the start of its update up to its body.
    """
    plan = signed.plan
    survivors = tuple(sorted(envelopes))
    body = b"".join(envelopes[survivor] for survivor in survivors)
    form = plan.form.of_kind("request")
    header = RequestHeader(
        format=form.format,
        features=form.features,
        study=plan.study,
        round=plan.round,
        sender=identity.public().fingerprint,
        recipients=tuple(seat.keyholder for seat in plan.keyholding.seats),
        plan=signed.digest,
        body=Body(length=len(body), sha256=hashlib.sha256(body).hexdigest()),
        created=stamp.created,
        software=stamp.software,
        survivors=survivors,
    )
    return seal_header(header, identity.signing, header.sender) + body


def survivors_envelopes(header: RequestHeader, body: bytes) -> dict[Fingerprint, Envelope]:
    """The envelopes in a verified body, by survivor. Nothing in them is verified yet.

    :raises MalformedError: not exactly one envelope for each survivor, in their order.
    """
    envelopes: dict[Fingerprint, Envelope] = {}
    place = 0
    for survivor in header.survivors:
        envelope = split(body[place : place + PREAMBLE + MAX_ENVELOPE])
        if envelope.key_id != survivor:
            raise MalformedError(
                "the request's updates are not those of its survivors",
                reason="request.other-updates",
                advice=_DONT_HELP,
            )
        envelopes[survivor] = envelope
        place += envelope.length
    if place != len(body):
        raise MalformedError(
            "the request holds more than its survivors' updates",
            reason="request.more-than-updates",
            advice=_DONT_HELP,
        )
    return envelopes
