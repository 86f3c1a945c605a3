"""What every header says, whatever the kind of file.

Never in a header: an exact patient count, a path, a host name, a value of a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NewType, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from privxray.formats.features import MAX_FEATURES, NAME, Form, is_ascending, without_others

Kind = Literal[
    "card",
    "plan",
    "agreement",
    "update",
    "request",
    "share",
    "proof",
    "model",
    "summary",
    "offer",
    "query",
    "answer",
    "revocation",
    "waiver",
    "refusal",
    "candidacy",
    "vote",
    "succession",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


def suffix_of(kind: Kind) -> str:
    """How the names of files of a kind end, as privxray names them."""
    return "enc" if kind == "update" else kind


SUFFIXES = tuple(map(suffix_of, KINDS))
"""How the names of files that travel end, as privxray names them."""

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


TaskName = Literal["train", "describe", "evaluate", "agree"]
"""What a plan is for (docs/SPEC-2.md, section 4)."""


def whole(value: object) -> object:
    """The value, where one of a few integers is expected: in Python, ``true`` and ``1.0`` are equal to 1.

    :raises ValueError: it is no integer.
    """
    if type(value) is not int:
        raise ValueError("an integer is expected")
    return value


def _ascending(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """:raises ValueError: not in ascending order, or one of them occurs twice."""
    if not is_ascending(values):
        raise ValueError("not in ascending order, each once")
    return values


Format = Annotated[Literal[1, 2], BeforeValidator(whole)]
"""The format of a file, which is its container's version."""

Features = Annotated[
    tuple[Annotated[str, Field(pattern=f"^{NAME}$")], ...],
    Field(strict=False, max_length=MAX_FEATURES),
    AfterValidator(_ascending),
]
"""Names of features of format 2, ascending (:mod:`privxray.formats.features`)."""

Formats = Annotated[
    tuple[Annotated[int, Field(ge=1, le=255)], ...],
    Field(strict=False, min_length=1, max_length=8),
    AfterValidator(_ascending),
]
"""Formats that somebody reads, ascending."""


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
    ``created`` UTC to the second, for display only: no rule reads it. ``features`` is empty in format 1,
    which does not have the field.
    """

    kind: Kind
    format: Format = 1
    features: Features = ()
    study: Name | None
    round: Round = 0
    sender: Fingerprint
    recipients: Annotated[tuple[Fingerprint, ...], Field(strict=False, max_length=256)] = ()
    plan: PlanHash | None = None
    body: Body = Body()
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    software: Annotated[str, Field(pattern=r"^privxray [0-9A-Za-z.+-]{1,40}$")]

    @property
    def form(self) -> Form:
        """The format and the features."""
        return Form(self.format, self.features)

    def stated(self) -> dict[str, Any]:
        """The header as it travels: JSON with the fields of its format and features, and no others."""
        return without_others(self.model_dump(mode="json"), self.kind, self.form)
