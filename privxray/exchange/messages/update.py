"""An update: one hospital's masked vector, sealed to the coordinator and signed.

It is encrypted first (:mod:`privxray.keys.sealed_body`), then signed. The signature covers the digest of the
encrypted body, so a file gateway or the hospital itself can verify a file that only the coordinator can open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from privxray.exchange.commitments.committed import Committed, read_committed
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.container import seal_header
from privxray.formats.header import Base64, Digest, Header, Stamp, TaskName
from privxray.formats.stream import sealed_length
from privxray.formats.tensors import SCALAR_BYTES, masked_prefix, scalars_prefix, total_size
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.sealed_body import open_body, seal_body

if TYPE_CHECKING:
    from privxray.exchange.bounds.bound_proof import BoundProof, Claim
    from privxray.exchange.commitments.scalars import Scalars
    from privxray.exchange.masking.fixed_point import Integers


class UpdateHeader(Header):
    """The header of an update.

    ``epsilon`` is what the hospital's ledger holds for this study (rounded up to 1e-4), at the plan's delta.
    ``ledger_head`` is an HMAC under a secret of the ledger, so nothing links two studies of one hospital.
    ``next_mask`` is the mask key that the next plan will name. ``dealt`` are the shares for the keyholders,
    if the plan has any. ``commitment`` and ``masks`` say what the vector is bound to, if the plan has
    commitments (:mod:`privxray.exchange.commitments.committed`). ``task`` is the plan's, if it names one.
    ``head`` is of all files of the coordinator that the hospital has seen
    (:mod:`privxray.exchange.messages.heads`). ``bound_proof`` shows that the vector keeps to the plan's
    bounds, if the plan asks for that (:mod:`privxray.exchange.bounds`).
    """

    kind: Literal["update"] = "update"
    epsilon: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    delta: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
    ledger_head: Digest
    next_mask: MaskStatement
    dealt: Dealt | None = None
    commitment: Base64 | None = None
    masks: Base64 | None = None
    bound_proof: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=1_500_000)] | None = None
    task: TaskName | None = None
    head: Digest | None = None


@dataclass(frozen=True)
class UpdateClaims:
    """What a hospital states beside its vector: the fields of these names in :class:`UpdateHeader`.

    ``committed`` becomes ``commitment`` and ``masks`` there, and ``bounds`` becomes ``bound_proof``.
    """

    epsilon: float
    ledger_head: Digest
    next_mask: MaskStatement
    dealt: Dealt | None = None
    committed: Committed | None = None
    bounds: BoundProof | None = None


def write_update(
    masked: Integers | Scalars, signed: SignedPlan, identity: Identity, claims: UpdateClaims, stamp: Stamp
) -> bytes:
    """Seal, sign and serialise a masked vector for the plan's coordinator.

    :param masked: integers of shape [d]; under a plan with commitments, scalars of shape [d + 1].
    """
    plan, sender = signed.plan, identity.public().fingerprint
    if isinstance(masked, list):
        from privxray.exchange.commitments.scalars import to_bytes

        vector = (scalars_prefix(len(masked)), to_bytes(masked))
    else:
        vector = (masked_prefix(len(masked), plan.modulus_bits), masked.tobytes())
    commitment, masks = claims.committed.stated(sender) if claims.committed else (None, None)
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
        commitment=commitment,
        masks=masks,
        bound_proof=claims.bounds.to_base64() if claims.bounds else None,
        task=plan.task,
        head=signed.stated_head,
    )
    return seal_header(header, identity.signing, sender) + body


def body_length(plan: PlanHeader) -> int:
    """How many bytes the encrypted body of an update has: the same for each update of a plan."""
    size = total_size(plan.manifest)
    if plan.commitments is not None:
        return sealed_length(len(scalars_prefix(size + 1)) + (size + 1) * SCALAR_BYTES)
    return sealed_length(len(masked_prefix(size, plan.modulus_bits)) + size * plan.modulus_bits // 8)


def committed_of(header: UpdateHeader, plan: PlanHeader) -> Committed:
    """What an update under a plan with commitments is bound to.

    :raises MalformedError: its header does not state one usable point for its vector and for each mask.
    """
    return read_committed(
        header.commitment or "",
        header.masks or "",
        header.sender,
        plan.hospitals,
        self_mask=plan.committee is not None,
    )


def bounds_claim(header: UpdateHeader, plan: PlanHeader) -> Claim | None:
    """What an update claims of its vector's bounds; None under a plan without proofs of them.

    :raises MalformedError: its proof has not the form that the plan demands, or its commitment is no usable
        point.
    """
    statement = plan.proven
    if statement is None:
        return None
    from privxray.exchange.bounds.bound_proof import Claim, read_bound_proof, subject

    proof = read_bound_proof(header.bound_proof or "", statement)
    return Claim(subject(header.plan or "", header.sender), committed_of(header, plan).vector, proof)


def open_update(header: UpdateHeader, pieces: Iterable[bytes], coordinator: Identity) -> Iterator[bytes]:
    """Decrypt the body of an update that was admitted and whose body digest was verified.

    :raises WrongKeyError: not sealed to this coordinator for this study and plan.
    :raises MalformedError: its key can't be read, or a chunk fails authentication.
    """
    return open_body(header, header.plan, pieces, coordinator)
