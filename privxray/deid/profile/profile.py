"""A profile: the Basic Profile of PS3.15 E.1, the options of E.3 that are taken, and what a site declares.

Both ``check`` and ``deidentify`` ask a profile the same question: what may become of this element? The answer
is a tuple of actions, the alternatives that Table E.1-1 allows with the options taken. Which of them a
given object must use depends on the attribute's type in its IOD; the check accepts any of them.

An option's column replaces the base action where it has an entry, as E.3 says ("K" keep, "C" clean). Where
two options have one, either is allowed. An override of the profile file replaces both: it is a site's own
decision, may tighten or loosen, and is therefore counted and printed by every command that uses the profile.

A profile file is read by :mod:`privxray.deid.profile.profile_file`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from privxray.deid.profile.annex_e import content_row, lookup, safe_private
from privxray.deid.profile.pseudonym_forms import is_uuid8
from privxray.errors import UsageError

_MAX_VALUE: Final = 1024  # longer values are no pseudonyms, and a pattern need not be tried on them


class Action(StrEnum):
    """The action codes of Table E.1-1 (PS3.15 Table E.1-1a)."""

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
        """Its option on the command line."""
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
    """What became of dates and times, as (0028,0303) Longitudinal Temporal Information Modified says it."""

    REMOVED = "REMOVED"
    FULL = "UNMODIFIED"
    MODIFIED = "MODIFIED"


@dataclass(frozen=True)
class PseudonymForm:
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
    :param actions: the alternatives.
    """

    key: int | str | tuple[int, str, int]
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Profile:
    """The Basic Profile with options, overrides and declared pseudonyms. Immutable, and it can be pickled."""

    name: str = "basic"
    options: frozenset[ProfileOption] = frozenset()
    pseudonyms: tuple[PseudonymForm, ...] = ()
    new_uids: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        both = {
            ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES,
            ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        }
        if both <= self.options:
            raise UsageError(
                "dates can't be kept in full and modified at once",
                advice="Choose --retain-longitudinal-full-dates or --retain-longitudinal-modified-dates.",
            )

    def with_options(self, options: frozenset[ProfileOption] | set[ProfileOption]) -> Profile:
        """This profile with further options.

        :raises UsageError: two of them exclude each other.
        """
        return replace(self, options=self.options | frozenset(options))

    @property
    def dates(self) -> Dates:
        """What the profile makes of dates and times."""
        if ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES in self.options:
            return Dates.FULL
        if ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES in self.options:
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

    def actions(self, tag: int, creator: str | None = None) -> tuple[Action, ...]:
        """The alternatives for an element, in the table's order; empty where no rule of the table governs it.

        :param tag: group in the upper 16 bits.
        :param creator: the private creator that reserved the block of a private element, without padding;
            None for standard elements, for elements of no known block, and for the creator element itself.
        """
        known = self._actions_of.get((tag, creator))
        if known is None:
            known = self._find(tag, creator)
            if len(self._actions_of) < 65_536:  # a hostile set can't make this grow without end
                self._actions_of[tag, creator] = known
        return known

    def content_actions(self, scheme: str, code: str, value_type: str) -> tuple[Action, ...]:
        """The alternatives for a content item; empty if Table E.3.4-1 does not have its concept.

        :param scheme: coding scheme designator. ``SRT`` and ``SNM3`` codes are not translated to ``SCT``.
        :param value_type: value of (0040,A040), such as ``TEXT``.
        """
        row = content_row(scheme, code, value_type)
        return () if row is None else self._combined(row.action, row.options)

    def is_temporal(self, tag: int) -> bool:
        """True for the dates and times in the longitudinal options' columns: what ``modified`` shifts."""
        row = lookup(tag)
        return row is not None and ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES.value in row.options

    def is_pseudonym(self, tag: int, value: str) -> bool:
        """Does the profile declare this form for this attribute? ``value`` is one value, without padding."""
        patterns = self._patterns.get(tag, ())
        return len(value) <= _MAX_VALUE and any(pattern.fullmatch(value) for pattern in patterns)

    def is_new_uid(self, uid: str) -> bool:
        """Is this a UID of a form that the profile declares for new ones?"""
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
    """The actions of a compound action such as ``X/Z/D``."""
    return tuple(Action(part) for part in action.replace("*", "").split("/"))
