"""An update: one hospital's masked vector, sealed to the coordinator and signed.

It is encrypted first (:mod:`privxray.keys.sealed_body`), then signed. The signature covers the digest of the
encrypted body, so a file gateway or the hospital itself can verify a file that only the coordinator can open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.container import seal_header
from privxray.formats.header import Digest, Header, Stamp
from privxray.formats.tensors import masked_prefix
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.sealed_body import open_body, seal_body

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
    plan, sender = signed.plan, identity.public().fingerprint
    vector = (masked_prefix(len(masked), plan.modulus_bits), masked.tobytes())
    described, body = seal_body(
        "update", vector, sender=sender, recipient=plan.coordinator, study=plan.study, about=signed.digest
    )
    form = plan.form.of_kind("update")
    header = UpdateHeader(
        format=form.format,
        features=form.features,
        study=plan.study,
        round=plan.round,
        sender=sender,
        recipients=(plan.coordinator.fingerprint,),
        plan=signed.digest,
        body=described,
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
    """Decrypt the body of an update that was admitted and whose body digest was verified.

    :raises WrongKeyError: not sealed to this coordinator for this study and plan.
    :raises MalformedError: its key can't be read, or a chunk fails authentication.
    """
    return open_body(header, header.plan, pieces, coordinator)
