"""What every header says, whatever the kind of file.

Never in a header: an exact patient count, a path, a host name, a value of a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NewType

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["card", "plan", "update", "request", "share", "model", "offer", "query", "answer"]
KINDS: tuple[Kind, ...] = ("card", "plan", "update", "request", "share", "model", "offer", "query", "answer")

MAX_BODY = 1 << 30
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hex."""

Fingerprint = NewType("Fingerprint", Digest)
"""Names a party: SHA-256 of its Ed25519 public key, in hex."""

PlanHash = NewType("PlanHash", Digest)
"""Names a plan: SHA-256 of its signed header, in hex (:attr:`.container.Envelope.digest`)."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
"""The name of a party or a study. It becomes part of file names, so it has only what every system takes."""

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=16_384)]

Round = Annotated[int, Field(ge=0, le=9999)]


@dataclass(frozen=True)
class Stamp:
    """When and by what a file is written, for a header's fields of these names; no rule reads them.

    ``created`` is UTC to the second as ``2026-01-02T03:04:05Z``, ``software`` is ``privxray VERSION``.
    """

    created: str
    software: str


class Strict(BaseModel):
    """Immutable, without unknown fields and conversions: what is signed is what is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SealedKey(Strict):
    """The key of an encrypted body, wrapped for one recipient by HPKE."""

    recipient: Fingerprint
    wrapped: Base64


class Body(Strict):
    """What follows the envelope: its length and SHA-256 as it stands in the file, and its encryption."""

    length: Annotated[int, Field(ge=0, le=MAX_BODY)] = 0
    sha256: Digest = EMPTY_SHA256
    cipher: Literal["none", "chacha20poly1305-stream"] = "none"
    key: SealedKey | None = None


class Header(Strict):
    """The fields that all kinds share.

    ``round`` is 0 if a file belongs to no round, ``plan`` the hash of the plan that the file obeys,
    ``created`` UTC to the second. It is for display only: no rule looks at a clock.
    """

    kind: Kind
    format: Literal[1] = 1
    study: Name | None
    round: Round = 0
    sender: Fingerprint
    recipients: Annotated[tuple[Fingerprint, ...], Field(strict=False, max_length=256)] = ()
    plan: PlanHash | None = None
    body: Body = Body()
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    software: Annotated[str, Field(pattern=r"^privxray [0-9A-Za-z.+-]{1,40}$")]
