"""Which fields of a header belong to which feature of format 2: one table (docs/SPEC-2.md, section 1).

A header of format 2 lists its features, and a field that belongs to a feature is present exactly where the
feature is listed. Reader and writer both go by :data:`FEATURES`, so **a feature is added in two places**:

1. an entry in :data:`FEATURES`: by kind of file, the fields that it adds. A field inside of others is a path
   with dots, and a path through a list means each of its entries: ``roster.members.size``. A field that may
   be null where its feature is listed has a question mark behind it. A kind without fields, ``()``, lists the
   feature and adds nothing. A new kind of file is also added to :data:`privxray.formats.header.KINDS`.
2. the feature's own module declares these fields in the header classes, each ``| None = None``, and holds the
   rules about their values.

From then on this version carries the feature out: its cards say so (``can``), a plan may list it, and the
files that obey such a plan list it as far as it has an entry for their kind (:meth:`Form.of_kind`). Nothing
else has to know. Without the entry a file with the feature is refused by the feature's name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from privxray.errors import MalformedError
from privxray.formats import canonical

Fields = Mapping[str, tuple[str, ...]]
"""By kind of file, the paths of the fields that are added to it."""

BOUND_PROOFS = "bound-proofs"
REPEATS = "repeats"
TASKS = "tasks"
HYBRID_MASKS = "hybrid-masks"
HEADS = "heads"
REPEATS_WITHOUT = "repeats-without"
SIZES = "sizes"
REVOCATION = "revocation"
SUCCESSION = "succession"
"""The features that are asked for by name in several places."""

FEATURES: Mapping[str, Fields] = {
    "commitments": {
        "plan": ("commitments",),
        "update": ("commitment", "masks"),
        "model": ("proof",),
        "summary": ("proof",),
        "proof": (),
    },
    BOUND_PROOFS: {"plan": ("bounds?",), "update": ("bound_proof",)},
    REPEATS: {"plan": ("repeats?",)},
    REPEATS_WITHOUT: {"plan": ("without?",), "waiver": (), "refusal": ()},
    HEADS: {"plan": ("head", "since?", "heads"), "update": ("head",), "share": ("head",)},
    "extractor-files": dict.fromkeys(("plan", "model", "summary", "offer"), ("extractor_file",)),
    TASKS: {
        "plan": ("task", "schedule", "age_bands?", "sexes?", "model?", "edges?"),
        "update": ("task",),
        "summary": ("task",),
    },
    "packed-queries": {"offer": (), "query": (), "answer": ()},
    "rlwe-queries": {"offer": ("mixing_seed", "score_range"), "query": (), "answer": ()},
    HYBRID_MASKS: {
        "card": ("kem",),
        "plan": ("roster.members.kem?", "encapsulated?"),
        "agreement": ("encapsulated",),
    },
    SIZES: {"card": ("size",), "plan": ("roster.members.size",)},
    REVOCATION: {"revocation": ()},
    SUCCESSION: {
        "card": ("recovery",),
        "plan": ("roster.members.recovery?", "roster.trustees.recovery?", "successors?"),
        "candidacy": (),
        "vote": (),
        "succession": (),
    },
}
"""The features that this version carries out, by name."""

_ENDED: Mapping[str, Fields] = {"rlwe-queries": {"query": ("evaluation_keys", "with_keys")}}
"""The fields that a file no longer has where a feature is listed."""

_BASE: Fields = {"card": ("formats", "can")}
"""What format 2 itself adds, besides ``features`` in every kind."""

MAX_FEATURES = 32
NAME = r"[a-z]{1,20}(-[a-z]{1,20}){0,3}"
"""The form of a feature's name; only a name of this form is ever shown."""

_ASK = "Ask its sender for the file again"


@dataclass(frozen=True)
class Form:
    """The format of a file, and its features in ascending order (none in format 1)."""

    format: Literal[1, 2]
    features: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> Form:
        """The form of a file of this kind that obeys a plan of this form."""
        return Form(self.format, tuple(name for name in self.features if kind in FEATURES.get(name, {})))


FORMAT_1 = Form(1)


def carried_out() -> tuple[str, ...]:
    """The names of the features that this version carries out, ascending."""
    return tuple(sorted(FEATURES))


def is_ascending(values: Collection[Any]) -> bool:
    """Whether these are in ascending order, each once."""
    return list(values) == sorted(set(values))


def form_of_header(header: object) -> Form:
    """The form of a header of format 2, before any other field of it is looked at.

    :param header: decoded JSON.
    :raises MalformedError: it is no header of format 2, its list is none, or it has a feature that this
        version does not carry out.
    """
    stated = header if isinstance(header, dict) else {}
    format_ = stated.get("format")
    if type(format_) is not int or format_ != 2:  # true and 2.0 are other numbers here
        raise other_format()
    features = _names(stated.get("features"))
    if features is None:
        raise MalformedError(
            "the header is damaged (its list of features is none)", reason="header.features", advice=_ASK
        )
    unknown = [name for name in features if name not in FEATURES]
    if unknown:
        raise MalformedError(
            f"the file needs {', '.join(unknown)}, which this version of privxray does not have",
            reason="file.unknown-feature",
            advice="Install the version of privxray that the study uses",
        )
    return Form(2, features)


def other_format() -> MalformedError:
    """The refusal of a header that is of another format from its file."""
    return MalformedError(
        "the header is of a different format from the file's version",
        reason="header.other-format",
        advice=_ASK,
    )


def check_fields(header: object, kind: str, form: Form) -> None:
    """Check that a header has the fields of its format and of its features, and of no other feature.

    :param header: decoded JSON.
    :raises MalformedError: a field is there without its feature, or is lacking, or is null where it must not
        be.
    """
    for path, listed in _optional(kind, form):
        nullable, where = path.endswith("?"), path.removesuffix("?").split(".")
        for holder in _holders(header, where[:-1]):
            lacking = where[-1] not in holder or (holder[where[-1]] is None and not nullable)
            if listed and lacking:
                raise MalformedError(
                    f"the header lacks {'.'.join(where)}, which its format or a feature of it demands",
                    reason="header.field-of-feature-lacking",
                    advice=_ASK,
                )
            if not listed and where[-1] in holder:
                raise MalformedError(
                    f"the header has {'.'.join(where)}, which belongs to a format or a feature that it does "
                    "not state",
                    reason="header.field-of-other-feature",
                    advice=_ASK,
                )


def without_others(header: dict[str, Any], kind: str, form: Form) -> dict[str, Any]:
    """A header, as JSON, less the fields of features that it does not list; changed in place."""
    for path, listed in _optional(kind, form):
        where = path.removesuffix("?").split(".")
        if not listed:
            for holder in _holders(header, where[:-1]):
                holder.pop(where[-1], None)
    return header


def decoded(payload: bytes) -> object:
    """A header's bytes as JSON.

    :raises MalformedError: they are not canonical JSON.
    """
    return canonical.decode(payload, "the header", reason="header.not-canonical")


def _optional(kind: str, form: Form) -> Iterator[tuple[str, bool]]:
    """The paths of all fields that a file of this kind does not always have, each with whether it must."""
    for path in ("features", *_BASE.get(kind, ())):
        yield path, form.format > 1
    for name, fields in FEATURES.items():
        for path in fields.get(kind, ()):
            yield path, name in form.features
    for name, fields in _ENDED.items():
        for path in fields.get(kind, ()):
            yield path, name not in form.features


def _holders(value: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """The objects that a path leads to: through every entry of a list; none where a part is not there."""
    if isinstance(value, list):
        for entry in value:
            yield from _holders(entry, path)
    elif isinstance(value, dict):
        if path:
            yield from _holders(value.get(path[0]), path[1:])
        else:
            yield value


def _names(listed: object) -> tuple[str, ...] | None:
    """A header's list of features; None where it is none."""
    if not isinstance(listed, list) or len(listed) > MAX_FEATURES:
        return None
    names = tuple(name for name in listed if isinstance(name, str) and re.fullmatch(NAME, name))
    return names if len(names) == len(listed) and is_ascending(names) else None
