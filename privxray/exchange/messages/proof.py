"""A proof: what every member needs to see that a model is the sum of what the hospitals committed to.

It holds the signed headers of all updates in the sum, the sum in integers, and the sum of the blinding
factors. A global model names no hospital, so that it can be shown to anybody. A proof names all, so it is
encrypted to the hospitals of its plan, and the model only has its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from privxray.errors import MalformedError
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.container import MAX_ENVELOPE, PREAMBLE, Envelope, seal_header, split
from privxray.formats.header import Digest, Header, SealedKey, Stamp
from privxray.formats.tensors import SCALAR_BYTES, pack, total_size, unpack
from privxray.keys.identity import Identity
from privxray.keys.roster import MAX_HOSPITALS
from privxray.keys.sealed_body import open_with, seal_body_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privxray.exchange.commitments.scalars import OpenedSum

_ANEW = "Ask the coordinator for the file again"


class ProofHeader(Header):
    """The header of a proof.

    ``updates`` are the digests of the updates in the sum, by ascending fingerprint of their senders. ``keys``
    are the body's key, sealed to each hospital of the plan, ascending.
    """

    kind: Literal["proof"] = "proof"
    updates: Annotated[tuple[Digest, ...], Field(strict=False, min_length=2, max_length=MAX_HOSPITALS)]
    keys: Annotated[tuple[SealedKey, ...], Field(strict=False, min_length=2, max_length=MAX_HOSPITALS)]


@dataclass(frozen=True)
class Proof:
    """The content of a proof. The envelopes are unverified, and the numbers are claims.

    :param envelopes: of the updates in the sum, as the header lists them.
    """

    envelopes: tuple[Envelope, ...]
    opened: OpenedSum


def write_proof(
    starts: Sequence[bytes], opened: OpenedSum, signed: SignedPlan, identity: Identity, stamp: Stamp
) -> bytes:
    """Seal, sign and serialise the proof of a round.

    :param starts: what stands before the body of each update in the sum (its preamble and envelope), by
        ascending fingerprint of the senders.
    """
    import numpy as np

    plan, sender = signed.plan, identity.public().fingerprint
    content: dict[str, NDArray[Any]] = {
        "envelopes": np.frombuffer(b"".join(starts), np.uint8),
        "sum": opened.numbers.view("<i8"),
        "blinding": np.frombuffer(opened.blinding.to_bytes(SCALAR_BYTES, "little"), np.uint8),
    }
    members = [member.keys for member in plan.roster.members]
    described, keys, body = seal_body_for(
        "proof", (pack(content),), sender=sender, recipients=members, study=plan.study, about=signed.digest
    )
    form = plan.form.of_kind("proof")
    header = ProofHeader(
        format=form.format,
        features=form.features,
        study=plan.study,
        round=plan.round,
        sender=sender,
        recipients=tuple(key.recipient for key in keys),
        plan=signed.digest,
        body=described,
        created=stamp.created,
        software=stamp.software,
        updates=tuple(split(start).digest for start in starts),
        keys=keys,
    )
    return seal_header(header, identity.signing, sender) + body


def open_proof(header: ProofHeader, body: bytes, signed: SignedPlan, own: Identity) -> Proof:
    """Decrypt a proof that was admitted, and whose body digest was verified.

    :raises WrongKeyError: it is not sealed to this hospital.
    :raises MalformedError: its content is not that of a proof of this plan.
    """
    from privxray.exchange.commitments.group import ORDER
    from privxray.exchange.commitments.scalars import OpenedSum

    key = next(key for key in header.keys if key.recipient == own.public().fingerprint)
    content = unpack(b"".join(open_with(key, header, header.plan, (body,), own)))
    form = {name: (array.dtype.str, array.ndim) for name, array in content.items()}
    expected = {"envelopes": ("|u1", 1), "sum": ("<i8", 1), "blinding": ("|u1", 1)}
    if form != expected or len(content["sum"]) != total_size(signed.plan.manifest):
        raise _other_content()
    blinding = int.from_bytes(content["blinding"].tobytes(), "little")
    if len(content["blinding"]) != SCALAR_BYTES or blinding >= ORDER:
        raise _other_content()
    envelopes = _envelopes(content["envelopes"].tobytes(), len(header.updates))
    return Proof(envelopes, OpenedSum(content["sum"].view("<u8"), blinding))


def _envelopes(data: bytes, number: int) -> tuple[Envelope, ...]:
    """:raises MalformedError: not exactly so many envelopes, one after the other."""
    envelopes, place = [], 0
    for _ in range(number):
        envelopes.append(split(data[place : place + PREAMBLE + MAX_ENVELOPE]))
        place += envelopes[-1].length
    if place < len(data):
        raise _other_content()
    return tuple(envelopes)


def _other_content() -> MalformedError:
    return MalformedError(
        "the proof does not hold what its plan demands", reason="proof.other-content", advice=_ANEW
    )
