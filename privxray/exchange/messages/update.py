"""An update: one hospital's masked vector, sealed to the coordinator and signed.

It is encrypted first, then signed. The signature covers the digest of the encrypted body, so a file gateway
or the hospital itself can verify a file that only the coordinator can open.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.sharing.dealing import Dealt
from privxray.exchange.sharing.hpke_info import hpke_info
from privxray.formats import canonical, stream
from privxray.formats.container import seal_header
from privxray.formats.header import Body, Digest, Fingerprint, Header, PlanHash, SealedKey, Stamp
from privxray.formats.tensors import masked_prefix
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement

if TYPE_CHECKING:
    from privxray.exchange.masking.fixed_point import Integers


class UpdateHeader(Header):
    """The header of an update.

    ``epsilon`` is what the hospital's ledger holds for this study (rounded up to 1e-4), at the plan's delta.
    ``ledger_head`` is an HMAC under a secret of the ledger, so nothing links two studies of one hospital.
    ``next_mask`` is the mask key that the next plan will name. ``dealt`` are the shares for the keyholders,
    if the plan has any.
    """

    kind: Literal["update"] = "update"
    epsilon: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    delta: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
    ledger_head: Digest
    next_mask: MaskStatement
    dealt: Dealt | None = None


@dataclass(frozen=True)
class UpdateClaims:
    """What a hospital states beside its vector: the fields of these names in :class:`UpdateHeader`."""

    epsilon: float
    ledger_head: Digest
    next_mask: MaskStatement
    dealt: Dealt | None = None


def write_update(
    masked: Integers, signed: SignedPlan, identity: Identity, claims: UpdateClaims, stamp: Stamp
) -> bytes:
    """Seal, sign and serialise a masked vector of shape [d] for the plan's coordinator."""
    plan = signed.plan
    sender, recipient = identity.public().fingerprint, plan.coordinator.fingerprint
    key = os.urandom(stream.KEY_BYTES)
    body = b"".join(stream.seal(key, (masked_prefix(len(masked), plan.modulus_bits), masked.tobytes())))
    info = _body_info(plan.study, signed.digest, sender, recipient)
    header = UpdateHeader(
        study=plan.study,
        round=plan.round,
        sender=sender,
        recipients=(recipient,),
        plan=signed.digest,
        body=Body(
            length=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            cipher="chacha20poly1305-stream",
            key=SealedKey(recipient=recipient, wrapped=canonical.to_base64(plan.coordinator.seal(key, info))),
        ),
        created=stamp.created,
        software=stamp.software,
        epsilon=claims.epsilon,
        delta=plan.delta,
        ledger_head=claims.ledger_head,
        next_mask=claims.next_mask,
        dealt=claims.dealt,
    )
    return seal_header(header, identity.signing, sender) + body


def open_update(header: UpdateHeader, pieces: Iterable[bytes], coordinator: Identity) -> Iterator[bytes]:
    """Decrypt the body of an update that was admitted and whose body digest has been verified.

    :raises WrongKeyError: not sealed to this coordinator for this study and plan.
    :raises MalformedError: a chunk fails authentication.
    """
    own = coordinator.public().fingerprint
    assert header.body.key is not None  # admit_update demands it
    info = _body_info(header.study, header.plan, header.sender, own)
    wrapped = canonical.from_base64(header.body.key.wrapped, "the body's key", reason="body-key.base64")
    return stream.unseal(coordinator.open(wrapped, info), pieces)


def _body_info(
    study: str | None, plan: PlanHash | None, sender: Fingerprint, recipient: Fingerprint
) -> bytes:
    return hpke_info(
        kind="update", purpose="body key", study=study, plan=plan, sender=sender, recipient=recipient
    )
