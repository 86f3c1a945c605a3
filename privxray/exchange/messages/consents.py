"""What parties sign so that a failed round can be repeated in another way (docs/SPEC-2.md, section 6).

- A **waiver**: a hospital lets a plan's round be repeated without it. Whoever sees both sums may then tell
  its noisy result from the others'.
- A **refusal**: a keyholder has helped to open nothing under a plan, and never will. With enough of them
  nothing of that round was ever opened.

Both name the plan by its hash and have no body. They travel to the coordinator, and inside of the plan that
repeats the round to everybody else.
"""

from __future__ import annotations

from typing import Any, Literal

from privxray.errors import MalformedError
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats import canonical
from privxray.formats.container import Envelope, seal_header, split
from privxray.formats.header import Header, Kind, Stamp
from privxray.keys.identity import Identity
from privxray.keys.unsealing_statement import UnsealingStatement


class WaiverHeader(Header):
    """A hospital's statement that the round of ``plan`` may be repeated without it."""

    kind: Literal["waiver"] = "waiver"


class RefusalHeader(Header):
    """A keyholder's statement that it has answered no request under ``plan``, and never will.

    ``next_unsealing`` is the unsealing key that the next plan will name.
    """

    kind: Literal["refusal"] = "refusal"
    next_unsealing: UnsealingStatement


def write_waiver(signed: SignedPlan, identity: Identity, stamp: Stamp) -> bytes:
    """A waiver's bytes."""
    header = WaiverHeader(**_fields("waiver", signed, identity, stamp))
    return seal_header(header, identity.signing, header.sender)


def write_refusal(
    signed: SignedPlan, identity: Identity, next_unsealing: UnsealingStatement, stamp: Stamp
) -> bytes:
    """A refusal's bytes."""
    fields = _fields("refusal", signed, identity, stamp)
    header = RefusalHeader(**fields, next_unsealing=next_unsealing)
    return seal_header(header, identity.signing, header.sender)


def enclosed(data: bytes) -> str:
    """A file without a body, as a plan carries it."""
    return canonical.to_base64(data)


def taken_out(text: str) -> Envelope:
    """The file that a plan carries; nothing in it is verified yet.

    :raises MalformedError: it is no file, or more than an envelope.
    """
    data = canonical.from_base64(text, "a statement in the plan", reason="repeat.statement-base64")
    envelope = split(data)
    if envelope.length != len(data):
        raise MalformedError(
            "a statement in the plan is longer than it says",
            reason="repeat.statement-longer",
            advice="Don't follow it; ask the coordinator for another plan",
        )
    return envelope


def _fields(kind: Kind, signed: SignedPlan, identity: Identity, stamp: Stamp) -> dict[str, Any]:
    plan, form = signed.plan, signed.plan.form.of_kind(kind)
    return {
        "format": form.format,
        "features": form.features,
        "study": plan.study,
        "round": plan.round,
        "sender": identity.public().fingerprint,
        "recipients": (plan.sender,),
        "plan": signed.digest,
        "created": stamp.created,
        "software": stamp.software,
    }
