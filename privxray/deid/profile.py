"""A profile: the Basic Profile of PS3.15 E.1, the options of E.3 that are taken, and what a site declares.

Both ``check`` and ``deidentify`` ask a profile the same question: what may become of this element? The answer
is a tuple of action codes, the alternatives that Table E.1-1 allows with the options taken. Which of them a
given object must use depends on the attribute's type in its IOD; the check accepts any of them.

An option's column replaces the base action where it has an entry, as E.3 says ("K" keep, "C" clean). Where
two options have one, either is allowed. An override of the profile file replaces both: it is a site's own
decision, may tighten or loosen, and is therefore counted and printed by every command that uses the profile.

A profile file is YAML::

    name: our-site
    base: basic                        # a packaged profile or another file
    options: [retain_uids]
    overrides:
      - attribute: StationName         # keyword, (0008,1010), (60xx,3000) or (0019,GEMS_ACQU_01,23)
        action: K
    pseudonyms:                        # forms that a replaced value has; a whole value must match
      - attributes: [PatientID]
        pattern: SITE[0-9]{4}
    new_uids: [uuid8, '1.2.276.0.7230010.3.']   # uuid8, or the root below which new UIDs are made
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from privxray.deid.pseudonym import is_uuid8
from privxray.deid.table import content_row, label, lookup, rows, safe_private
from privxray.errors import MalformedError, UsageError

MAX_PROFILE: Final = 1 << 20
"""Most bytes of a profile file."""

MAX_BASES: Final = 8
"""Longest chain of profiles that build on each other."""

_MAX_VALUE: Final = 1024  # longer values are no pseudonyms, and a pattern need not be tried on them


class Code(StrEnum):
    """Action codes of Table E.1-1 (PS3.15 Table E.1-1a)."""

    X = "X"
    """Remove."""
    Z = "Z"
    """Replace with an empty value, or a dummy."""
    D = "D"
    """Replace with a dummy that is not empty."""
    K = "K"
    """Keep (for a sequence: and apply the profile inside)."""
    C = "C"
    """Clean: replace by values of similar meaning that identify nobody."""
    U = "U"
    """Replace with a new UID, the same for the same original within a set."""


class Option(StrEnum):
    """The options of PS3.15 E.3. The first ten are columns of Table E.1-1, under these names in the csv."""

    RETAIN_SAFE_PRIVATE = "retain_safe_private"
    RETAIN_UIDS = "retain_uids"
    RETAIN_DEVICE_IDENTITY = "retain_device_identity"
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity"
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics"
    RETAIN_LONGITUDINAL_FULL_DATES = "retain_longitudinal_full_dates"
    RETAIN_LONGITUDINAL_MODIFIED_DATES = "retain_longitudinal_modified_dates"
    CLEAN_DESCRIPTORS = "clean_descriptors"
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content"
    CLEAN_GRAPHICS = "clean_graphics"
    CLEAN_PIXEL_DATA = "clean_pixel_data"
    CLEAN_RECOGNIZABLE_VISUAL_FEATURES = "clean_recognizable_visual_features"

    @property
    def code(self) -> str:
        """Its code value in CID 7050 (scheme DCM), for (0012,0064)."""
        return _CID_7050[self][0]

    @property
    def meaning(self) -> str:
        """Its code meaning in CID 7050."""
        return _CID_7050[self][1]

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return "--" + self.value.replace("_", "-")


BASIC_CODE: Final = ("113100", "Basic Application Confidentiality Profile")
"""The base profile in CID 7050."""

_CID_7050: Final = {
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES: ("113102", "Clean Recognizable Visual Features Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_LONGITUDINAL_FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    Option.RETAIN_LONGITUDINAL_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}


class Dates(StrEnum):
    """What became of dates and times, as (0028,0303) Longitudinal Temporal Information Modified says it."""

    REMOVED = "REMOVED"
    FULL = "UNMODIFIED"
    MODIFIED = "MODIFIED"


@dataclass(frozen=True)
class Pseudonym:
    """A form of replaced values.

    :param tags: the attributes it is for, at any depth.
    :param pattern: regular expression that a whole value must match.
    """

    tags: frozenset[int]
    pattern: str


@dataclass(frozen=True)
class Override:
    """A site's own action for one attribute.

    :param key: tag; or ``(60xx,3000)``, ``(60xx,4000)``, ``(50xx,xxxx)``; or group, creator and number of a
        private element.
    :param codes: the alternatives.
    """

    key: int | str | tuple[int, str, int]
    codes: tuple[Code, ...]


@dataclass(frozen=True)
class Profile:
    """The Basic Profile with options, overrides and declared pseudonyms. Immutable, and it can be pickled."""

    name: str = "basic"
    options: frozenset[Option] = frozenset()
    pseudonyms: tuple[Pseudonym, ...] = ()
    new_uids: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        both = {Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES}
        if both <= self.options:
            raise UsageError(
                "dates can't be kept in full and modified at once",
                advice="Choose --retain-longitudinal-full-dates or --retain-longitudinal-modified-dates.",
            )

    @classmethod
    def load(cls, name_or_path: str | Path = "basic") -> Profile:
        """A packaged profile by its name, or one from a YAML file.

        :raises UsageError: there is no such profile, or it takes two options that exclude each other.
        :raises MalformedError: the file is not a profile; the reason names the field.
        """
        return _load(str(name_or_path), Path(), MAX_BASES)

    def with_options(self, options: frozenset[Option] | set[Option]) -> Profile:
        """This profile with further options.

        :raises UsageError: two of them exclude each other.
        """
        return replace(self, options=self.options | frozenset(options))

    @property
    def dates(self) -> Dates:
        """What the profile makes of dates and times."""
        if Option.RETAIN_LONGITUDINAL_FULL_DATES in self.options:
            return Dates.FULL
        if Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in self.options:
            return Dates.MODIFIED
        return Dates.REMOVED

    @property
    def methods(self) -> tuple[tuple[str, str], ...]:
        """Code values and meanings of CID 7050 that a file under this profile declares in (0012,0064)."""
        return (BASIC_CODE, *sorted((option.code, option.meaning) for option in self.options))

    @property
    def summary(self) -> str:
        """One line for people: the name, the options, and how many overrides there are."""
        parts = [f"profile {self.name}"]
        parts += sorted(option.value.replace("_", "-") for option in self.options)
        if self.overrides:
            parts.append(f"{len(self.overrides)} override{'s' if len(self.overrides) > 1 else ''}")
        return ", ".join(parts)

    def codes(self, tag: int, creator: str | None = None) -> tuple[Code, ...]:
        """The alternatives for an element, in the table's order; empty where no rule of the table governs it.

        :param tag: group in the upper 16 bits.
        :param creator: the private creator that reserved the block of a private element, without padding;
            None for standard elements, for elements of no known block, and for the creator element itself.
        """
        known = self._codes_of.get((tag, creator))
        if known is None:
            known = self._find(tag, creator)
            if len(self._codes_of) < 65_536:  # a hostile set can't make this grow without end
                self._codes_of[tag, creator] = known
        return known

    def content_codes(self, scheme: str, code: str, value_type: str) -> tuple[Code, ...]:
        """The alternatives for a content item; empty if Table E.3.4-1 does not have its concept.

        :param scheme: coding scheme designator. ``SRT`` and ``SNM3`` codes are not translated to ``SCT``.
        :param value_type: value of (0040,A040), such as ``TEXT``.
        """
        row = content_row(scheme, code, value_type)
        return () if row is None else self._combined(row.action, row.options)

    def is_temporal(self, tag: int) -> bool:
        """True for the dates and times in the longitudinal options' columns: what ``modified`` shifts."""
        row = lookup(tag)
        return row is not None and Option.RETAIN_LONGITUDINAL_FULL_DATES.value in row.options

    def is_pseudonym(self, tag: int, value: str) -> bool:
        """Does the profile declare this form for this attribute? ``value`` is one value, without padding."""
        patterns = self._patterns.get(tag, ())
        return len(value) <= _MAX_VALUE and any(pattern.fullmatch(value) for pattern in patterns)

    def is_new_uid(self, uid: str) -> bool:
        """Is this a UID of a form that the profile declares for new ones?"""
        return any(is_uuid8(uid) if form == "uuid8" else uid.startswith(form) for form in self.new_uids)

    def _find(self, tag: int, creator: str | None) -> tuple[Code, ...]:
        row = lookup(tag)
        overridden = self._overrides.get(tag)
        if overridden is None and row is not None:
            overridden = self._overrides.get(row.tag)
        if tag & 0x10000:
            group, number = tag >> 16, tag & 0xFFFF
            place = (group, creator or "", number & 0xFF)
            overridden = overridden or self._overrides.get(place)
            if overridden is None and Option.RETAIN_SAFE_PRIVATE in self.options:
                if 0x10 <= number <= 0xFF:
                    return (Code.K, Code.X)  # a creator stays while an element of its block does
                return (Code.K,) if place in safe_private() else (Code.X,)
        if overridden is not None:
            return overridden
        return () if row is None else self._combined(row.action, row.options)

    def _combined(self, action: str, columns: dict[str, str]) -> tuple[Code, ...]:
        taken = {columns[option.value] for option in self.options if option.value in columns}
        if taken:
            return tuple(code for code in (Code.K, Code.C) if code.value in taken)
        return _alternatives(action)

    @cached_property
    def _codes_of(self) -> dict[tuple[int, str | None], tuple[Code, ...]]:
        return {}

    @cached_property
    def _overrides(self) -> dict[int | str | tuple[int, str, int], tuple[Code, ...]]:
        return {override.key: override.codes for override in self.overrides}

    @cached_property
    def _patterns(self) -> dict[int, tuple[re.Pattern[str], ...]]:
        found: dict[int, tuple[re.Pattern[str], ...]] = {}
        for pseudonym in self.pseudonyms:
            for tag in pseudonym.tags:
                found[tag] = (*found.get(tag, ()), re.compile(pseudonym.pattern))
        return found


def packaged() -> tuple[str, ...]:
    """Names of the profiles that come with the tool."""
    folder = resources.files("privxray.deid").joinpath("profiles")
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PseudonymIn(_Strict):
    attributes: list[str] = Field(min_length=1)
    pattern: str = Field(min_length=1, max_length=500)


class _OverrideIn(_Strict):
    attribute: str
    action: str
    reason: str = ""


class _ProfileIn(_Strict):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    base: str = ""
    description: str = Field(default="", max_length=500)
    options: list[str] = []
    overrides: list[_OverrideIn] = []
    pseudonyms: list[_PseudonymIn] = []
    new_uids: list[str] = []


def _load(name: str, folder: Path, bases_left: int) -> Profile:
    if name in packaged():
        shown = name
        text = (
            resources.files("privxray.deid").joinpath("profiles", f"{name}.yaml").read_text(encoding="utf-8")
        )
    else:
        shown, path = Path(name).name, folder / name
        if not path.is_file():
            raise UsageError(
                "there is no profile of that name, and no such file",
                file=shown,
                advice=f"Packaged profiles: {', '.join(packaged())}.",
            )
        folder = path.parent
        text = _text_of(path, shown)
    if bases_left == 0:
        raise MalformedError("the profiles build on each other without end", file=shown)
    try:
        read = _ProfileIn.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError):
        raise MalformedError("it is not YAML", file=shown, advice="Compare it with docs/RULES.md.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, first["loc"])) or "the file"
        raise MalformedError(
            f"the profile's {at}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            file=shown,
            advice="Compare it with docs/RULES.md.",
        ) from None
    base = _load(read.base, folder, bases_left - 1) if read.base else Profile()
    try:
        return Profile(
            name=read.name,
            options=base.options | {_option(text) for text in read.options},
            pseudonyms=base.pseudonyms + tuple(map(_pseudonym, read.pseudonyms)),
            new_uids=base.new_uids + tuple(map(_uid_form, read.new_uids)),
            overrides=base.overrides + tuple(map(_override, read.overrides)),
            description=read.description,
        )
    except ValueError as error:
        raise MalformedError(str(error), file=shown, advice="Compare it with docs/RULES.md.") from None


def _text_of(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_PROFILE + 1)
        if len(data) > MAX_PROFILE:
            raise MalformedError("it is larger than 1 MiB", file=shown)
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise MalformedError("it can't be read as text", file=shown) from None


def _option(text: str) -> Option:
    try:
        return Option(text.replace("-", "_").removeprefix("__"))
    except ValueError:
        raise ValueError(f"there is no option {text!r}; docs/RULES.md lists them") from None


def _pseudonym(read: _PseudonymIn) -> Pseudonym:
    try:
        re.compile(read.pattern)
    except re.error:
        raise ValueError("a pseudonym's pattern is not a regular expression") from None
    tags = frozenset(key for text in read.attributes if isinstance(key := _key(text), int))
    if len(tags) != len(set(read.attributes)):
        raise ValueError("pseudonyms are for single attributes of the standard")
    return Pseudonym(tags, read.pattern)


def _uid_form(text: str) -> str:
    if text != "uuid8" and not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*)){2,}\.", text):
        raise ValueError("new_uids holds uuid8, or roots of at least three parts that end with a dot")
    return text


def _override(read: _OverrideIn) -> Override:
    codes = _alternatives(read.action) if re.fullmatch(r"[XZDKCU](/[XZDKCU])*\*?", read.action) else ()
    if not codes:
        raise ValueError(f"an override's action is one of {', '.join(Code)}, or alternatives such as X/Z")
    return Override(_key(read.attribute), codes)


def _key(text: str) -> int | str | tuple[int, str, int]:
    """A tag from a keyword or from the forms that the module's text names."""
    masks = {row.tag for row in rows() if "x" in row.tag}
    if text in masks:
        return text
    matched = re.fullmatch(r"\(([0-9A-Fa-f]{4}),(?:([^,]{1,64}),)?([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})\)", text)
    if matched and matched[2] is not None and len(matched[3]) == 2:
        return int(matched[1], 16), matched[2].strip(), int(matched[3], 16)
    if matched and matched[2] is None and len(matched[3]) == 4:
        return int(matched[1] + matched[3], 16)
    from pydicom.datadict import tag_for_keyword

    tag: Any = tag_for_keyword(text)
    if tag is None:
        tag = _keywords().get(text)
    if tag is None:
        raise ValueError(f"{text!r} is neither a keyword nor a tag such as {label(0x00100010)}")
    return int(tag)


def _keywords() -> dict[str, int]:
    """Attributes of the table that the installed dictionary is too old for, by their names without spaces."""
    found = {}
    for row in rows():
        if "x" not in row.tag and "g" not in row.tag:
            found[re.sub(r"[^A-Za-z0-9]", "", row.name)] = int(row.tag[1:5] + row.tag[6:10], 16)
    return found


def _alternatives(action: str) -> tuple[Code, ...]:
    return tuple(Code(part) for part in action.replace("*", "").split("/"))
