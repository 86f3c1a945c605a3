"""A profile: the Basic Profile of PS3.15 E.1, the options of E.3 that a site takes, and what it declares.

``check`` and ``deidentify`` both ask a profile what may become of an element. The answer is a tuple of
actions: the alternatives that Table E.1-1 allows with the options taken. Which of them an object must use
depends on the attribute's type in its IOD. The check has no IOD tables, so it accepts any of them.

Where an option's column has an entry, it replaces the base action, as E.3 says (K keep, C clean). Where two
options have an entry, either is allowed. An override in the profile file replaces both. It is the site's own
decision and can loosen the profile, so every command that uses the profile prints how many there are.

:mod:`privxray.deid.profile.profile_file` reads profile files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from privxray.deid.profile.annex_e import content_row, lookup, safe_private
from privxray.deid.profile.pseudonym_forms import is_uuid8
from privxray.deid.profile.site_rules import NO_RULES, SiteRules
from privxray.errors import UsageError

_MAX_VALUE: Final = 1024  # a longer value is no pseudonym, and no pattern is tried on it
_MAX_KNOWN: Final = 65_536  # most attributes whose actions are remembered, however many a hostile set has


class Action(StrEnum):
    """The action codes of Table E.1-1 (PS3.15 Table E.1-1a)."""

    X = "X"
    """Remove."""
    Z = "Z"
    """Replace with an empty value, or a dummy."""
    D = "D"
    """Replace with a dummy that is not empty."""
    K = "K"
    """Keep; the profile still applies to the items of a sequence."""
    C = "C"
    """Clean: replace with values of similar meaning that identify nobody."""
    U = "U"
    """Replace with a new UID, which is the same wherever the set has the same original."""


class ProfileOption(StrEnum):
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
        """How it is typed on the command line."""
        return "--" + self.value.replace("_", "-")


BASIC_CODE: Final = ("113100", "Basic Application Confidentiality Profile")
"""The base profile in CID 7050."""

_CID_7050: Final = {
    ProfileOption.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    ProfileOption.CLEAN_RECOGNIZABLE_VISUAL_FEATURES: ("113102", "Clean Recognizable Visual Features Option"),
    ProfileOption.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    ProfileOption.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    ProfileOption.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    ProfileOption.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    ProfileOption.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    ProfileOption.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    ProfileOption.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    ProfileOption.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}


class Dates(StrEnum):
    """What became of dates: the values of Longitudinal Temporal Information Modified (0028,0303)."""

    REMOVED = "REMOVED"
    FULL = "UNMODIFIED"
    MODIFIED = "MODIFIED"


@dataclass(frozen=True)
class PseudonymForm:
    """A form of pseudonyms that a site declares; values of this form pass the check.

    :param tags: the attributes that it is for, at any depth.
    :param pattern: a regular expression that a whole value must match.
    """

    tags: frozenset[int]
    pattern: str


@dataclass(frozen=True)
class Override:
    """A site's own actions for one attribute.

    :param key: a tag; or ``(60xx,3000)``, ``(60xx,4000)`` or ``(50xx,xxxx)``; or group, private creator and
        number (0 to 255) of a private element.
    :param actions: the alternatives.
    """

    key: int | str | tuple[int, str, int]
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Profile:
    """The Basic Profile with options, overrides and declared forms of pseudonyms and UIDs.

    :ivar drop_unknown_text: of a text that no row of the table governs, copies keep only what consists of
        terms (:mod:`privxray.deid.values.unknown_text`).
    :ivar site: fixed values for attributes, and regions to black by device.

    :raises UsageError: two of the options exclude each other.
    """

    name: str = "basic"
    options: frozenset[ProfileOption] = frozenset()
    pseudonyms: tuple[PseudonymForm, ...] = ()
    new_uids: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    description: str = ""
    drop_unknown_text: bool = False
    site: SiteRules = NO_RULES

    def __post_init__(self) -> None:
        both = {
            ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,
            ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        }
        if both <= self.options:
            raise UsageError(
                "dates can't be both kept in full and modified",
                reason="profile.full-and-modified-dates",
                advice="Choose --retain-longitudinal-full-dates or --retain-longitudinal-modified-dates.",
            )

    def with_options(self, options: frozenset[ProfileOption] | set[ProfileOption]) -> Profile:
        """A profile that takes these options too.

        :raises UsageError: two of the options exclude each other.
        """
        return replace(self, options=self.options | frozenset(options))

    @property
    def dates(self) -> Dates:
        """What the profile does with dates and times."""
        if ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES in self.options:
            return Dates.FULL
        if ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES in self.options:
            return Dates.MODIFIED
        return Dates.REMOVED

    @property
    def methods(self) -> tuple[tuple[str, str], ...]:
        """Code values and meanings of CID 7050: what a file under this profile declares in (0012,0064)."""
        return (BASIC_CODE, *sorted((option.code, option.meaning) for option in self.options))

    @property
    def summary(self) -> str:
        """One line for people: the profile's name, its options and how many overrides it has."""
        parts = [f"profile {self.name}"]
        parts += sorted(option.value.replace("_", "-") for option in self.options)
        if self.drop_unknown_text:
            parts.append("without unknown text")
        if self.overrides:
            parts.append(f"{len(self.overrides)} override{'s' if len(self.overrides) > 1 else ''}")
        parts += self.site.summary
        return ", ".join(parts)

    def actions(self, tag: int, creator: str | None = None) -> tuple[Action, ...]:
        """What may become of an element: alternatives in the table's order; none where it has no row.

        :param tag: the group in the upper 16 bits.
        :param creator: the private creator that reserved a private element's block, without padding; None for
            a standard element, for an element of no known block, and for the creator element itself.
        """
        known = self._actions_of.get((tag, creator))
        if known is None:
            known = self._find(tag, creator)
            if len(self._actions_of) < _MAX_KNOWN:
                self._actions_of[tag, creator] = known
        return known

    def content_actions(self, scheme: str, code: str, value_type: str) -> tuple[Action, ...]:
        """What may become of a content item; empty if Table E.3.4-1 does not have its concept.

        :param scheme: the concept's Coding Scheme Designator. ``SRT`` and ``SNM3`` are not translated to
            ``SCT``.
        :param code: the concept's code value.
        :param value_type: Value Type (0040,A040), such as ``TEXT``.
        """
        row = content_row(scheme, code, value_type)
        return () if row is None else self._combined(row.action, row.options)

    def is_temporal(self, tag: int) -> bool:
        """True for the dates and times that the Modified Dates Option shifts."""
        row = lookup(tag)
        return row is not None and ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES.value in row.options

    def is_pseudonym(self, tag: int, value: str) -> bool:
        """True if a value has a form that the profile declares for this attribute.

        :param value: one value, without padding.
        """
        patterns = self._patterns.get(tag, ())
        return len(value) <= _MAX_VALUE and any(pattern.fullmatch(value) for pattern in patterns)

    def is_new_uid(self, uid: str) -> bool:
        """True if a UID has a form that the profile declares for new UIDs."""
        return any(is_uuid8(uid) if form == "uuid8" else uid.startswith(form) for form in self.new_uids)

    def _find(self, tag: int, creator: str | None) -> tuple[Action, ...]:
        row = lookup(tag)
        overridden = self._overrides.get(tag)
        if overridden is None and row is not None:
            overridden = self._overrides.get(row.tag)
        if tag & 0x10000:
            group, number = tag >> 16, tag & 0xFFFF
            place = (group, creator or "", number & 0xFF)
            overridden = overridden or self._overrides.get(place)
            if overridden is None and ProfileOption.RETAIN_SAFE_PRIVATE in self.options:
                if 0x10 <= number <= 0xFF:
                    return (Action.K, Action.X)  # a creator stays while an element of its block does
                return (Action.K,) if place in safe_private() else (Action.X,)
        if overridden is not None:
            return overridden
        return () if row is None else self._combined(row.action, row.options)

    def _combined(self, action: str, columns: dict[str, str]) -> tuple[Action, ...]:
        taken = {columns[option.value] for option in self.options if option.value in columns}
        if taken:
            return tuple(code for code in (Action.K, Action.C) if code.value in taken)
        return alternatives(action)

    @cached_property
    def _actions_of(self) -> dict[tuple[int, str | None], tuple[Action, ...]]:
        return {}

    @cached_property
    def _overrides(self) -> dict[int | str | tuple[int, str, int], tuple[Action, ...]]:
        return {override.key: override.actions for override in self.overrides}

    @cached_property
    def _patterns(self) -> dict[int, tuple[re.Pattern[str], ...]]:
        found: dict[int, tuple[re.Pattern[str], ...]] = {}
        for pseudonym in self.pseudonyms:
            for tag in pseudonym.tags:
                found[tag] = (*found.get(tag, ()), re.compile(pseudonym.pattern))
        return found


def alternatives(action: str) -> tuple[Action, ...]:
    """The single actions of a compound one such as ``X/Z/D``.

    :raises ValueError: one of them is no action of the table.
    """
    return tuple(Action(part) for part in action.replace("*", "").split("/"))
