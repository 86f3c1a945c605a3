"""A share file: a keyholder's one answer of a round, sealed to the coordinator.

The plaintext body is shares and salts, 49 bytes together, in the order of
:func:`~privxray.exchange.sharing.dealing.secrets_to_open`: for each survivor its self-mask's seed, then its
pairwise keys with each missing hospital.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import SignedRequest
from privxray.exchange.sharing.dealing import OPENED_BYTES, Opened, SecretName, secrets_to_open
from privxray.formats.container import seal_header
from privxray.formats.header import Digest, Fingerprint, Header, Stamp
from privxray.keys.identity import Identity
from privxray.keys.sealed_body import open_body, seal_body
from privxray.keys.unsealing_statement import UnsealingStatement


class ShareHeader(Header):
    """``request`` is the digest of the request that is answered; ``next_unsealing`` serves the next plan.

    ``head`` is that of the plan that it obeys, as in an update.
    """

    kind: Literal["share"] = "share"
    request: Digest
    next_unsealing: UnsealingStatement
    head: Digest | None = None


def body_length(survivors: int, hospitals: int) -> int:
    """Bytes of a share file's plaintext body."""
    return survivors * (1 + hospitals - survivors) * OPENED_BYTES


def write_share(
    opened: Mapping[Fingerprint, Mapping[SecretName, Opened]],
    asked: SignedRequest,
    signed: SignedPlan,
    identity: Identity,
    next_unsealing: UnsealingStatement,
    stamp: Stamp,
) -> bytes:
    """Answer a request that was admitted, with no more than it may get.

    :param opened: by survivor, all shares of this keyholder's box; only those that open the sum are written.
    """
    plan = signed.plan
    pairs = secrets_to_open(asked.request.survivors, plan.hospitals)
    plain = b"".join(opened[owner][secret].to_bytes() for owner, secret in pairs)
    sender = identity.public().fingerprint
    described, body = seal_body(
        "share", [plain], sender=sender, recipient=plan.coordinator, study=plan.study, about=signed.digest
    )
    form = plan.form.of_kind("share")
    header = ShareHeader(
        format=form.format,
        features=form.features,
        study=plan.study,
        round=plan.round,
        sender=sender,
        recipients=(plan.sender,),
        plan=signed.digest,
        body=described,
        created=stamp.created,
        software=stamp.software,
        request=asked.digest,
        next_unsealing=next_unsealing,
        head=signed.stated_head,
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
    plain = b"".join(open_body(header, header.plan, [body], coordinator))
    pairs = secrets_to_open(survivors, plan.hospitals)
    assert len(plain) == len(pairs) * OPENED_BYTES  # admit_share demands the one length that gives
    return {
        pair: Opened.from_bytes(plain[place * OPENED_BYTES : (place + 1) * OPENED_BYTES])
        for place, pair in enumerate(pairs)
    }
