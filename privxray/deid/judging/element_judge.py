"""One element against a profile: which rule its value breaks, if any.

The actions come from :class:`~privxray.deid.profile.profile.Profile`. Here is what each means for an element
that is there. ``K`` keeps it. ``X`` alone is an error for any value. ``U`` wants a UID of the standard or of
a declared form. ``C``, and alternatives with ``D`` or ``Z``, are judged by the value's shape
(:mod:`privxray.deid.values.shapes`): a listed dummy or a declared pseudonym passes, and what plainly
identifies somebody is an error. Of the rest, a short number or a value where the table allows a dummy (``D``)
is a notice; where the table wants an empty value (``Z``), it is an error.

Tested in tests/unit/test_deid_dicom.py.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import decoded, plain_parts
from privxray.deid.dicomfile.dictionary import registered, standard_vr
from privxray.deid.dicomfile.element import TEXT, Element
from privxray.deid.findings import rules
from privxray.deid.findings.rules import Rule
from privxray.deid.judging.value_representation import ALLOWED_CHARACTERS, representation_faults
from privxray.deid.profile.annex_e import lookup
from privxray.deid.profile.class_uids import CLASS_UIDS
from privxray.deid.profile.identifying import INSTITUTIONS
from privxray.deid.profile.profile import Action, Dates, Profile
from privxray.deid.values.defined_terms import values_of
from privxray.deid.values.dummies import is_dummy, is_pseudonym
from privxray.deid.values.shapes import (
    all_neutral,
    has_letters,
    holds_date,
    holds_record_number,
    is_address,
    is_name,
    shape_of,
)
from privxray.deid.values.unknown_text import is_unknown

_BIRTH_DATES: Final = frozenset(
    {
        tags.PATIENT_BIRTH_DATE,
        tags.PATIENT_BIRTH_DATE_IN_ALTERNATIVE_CALENDAR,
        tags.PATIENT_DEATH_DATE_IN_ALTERNATIVE_CALENDAR,
    }
)
_YEAR_ONLY: Final = re.compile(r"[12][0-9]{3}0101")
_SHORT_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_STAMPS: Final = frozenset({"DA", "TM", "DT"})
_WITHOUT_PROSE: Final = _STAMPS | {"UI", "AE"}
_WITHOUT_SHAPE: Final = frozenset({"CS", "UR"})  # codes and addresses of the web look like anything
_FILE_META: Final = 0x0002
_KEPT_TEXTS: Final = TEXT - (ALLOWED_CHARACTERS.keys() - {"CS"}) - _WITHOUT_PROSE
_SHORTEST_KEPT: Final = 3  # bytes
_GRAPHIC: Final = frozenset({0x50, 0x60})  # upper byte of the groups of curves and overlays
_REMEMBERED: Final = 64  # bytes of a value whose opinion is kept
_MOST_REMEMBERED: Final = 32_768  # opinions that are kept, however many a hostile set needs


class Judgement(NamedTuple):
    """What is wrong with one element.

    :ivar rule: the rule that it breaks.
    :ivar declared: the rule instead, in a file that declares its de-identification.
    :ivar name: the attribute's name in the table; empty if the table does not have it.
    """

    rule: Rule
    declared: Rule
    name: str = ""


class Opinion(NamedTuple):
    """All that there is to say about one element.

    :ivar judgement: by its action; None if that is carried out.
    :ivar writing: the rules that the way it is written breaks.
    """

    judgement: Judgement | None
    writing: tuple[Rule, ...]


_Key: TypeAlias = tuple[int, str, str | None, bytes, bool, bool, str | None, str]


class Judge:
    """Applies one profile. :ivar codec: of the file at hand; set it when (0008,0005) is read.

    Opinions on short values are kept from file to file, for most of a header is the same in a whole series.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.codec = "ascii"
        self._known = _known(profile)

    def opinion(self, element: Element) -> Opinion:
        """All that there is to say about an element, at any depth."""
        tag, vr, stored, _, value, filled, again, _, _, creator = element
        key = tag, vr, stored, value, filled, again, creator, self.codec
        known = self._known.get(key)
        if known is None:
            known = Opinion(self.judge(element), tuple(representation_faults(element, self.profile)))
            if len(value) <= _REMEMBERED:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known[key] = known
        return known

    def judge(self, element: Element) -> Judgement | None:
        """What is wrong with an element by its action; None if nothing is."""
        tag = element.tag
        actions = self.profile.actions(tag, element.creator)
        if self.profile.site.replacements and self._is_fixed(element):
            return None
        if tag & 0x10000 and Action.K not in actions:
            return _breaks(rules.PRIVATE)
        if tag & 0x10000 or not actions:
            if not tag & 0x10000 and standard_vr(tag) is None:
                return _breaks(rules.UNKNOWN)
            if element.vr == "UI" and element.filled and not tag & 0x10000:
                return self._unlisted_uid(element)
            return self._kept_text(element) if element.filled else None
        if element.filled:
            found = self._filled(element, actions)
        else:
            found = _breaks(rules.REMOVE_EMPTY) if actions == (Action.X,) else None
        row = lookup(tag)
        return found if found is None or row is None else found._replace(name=row.name)

    def _is_fixed(self, element: Element) -> bool:
        """Whether it has a value that the site's own rules give this attribute."""
        text = decoded(element.value, self.codec).strip(" \0")
        return element.filled and self.profile.site.allows(element.tag, text)

    def _filled(self, element: Element, actions: tuple[Action, ...]) -> Judgement | None:
        if Action.K in actions:
            return None
        if element.tag in (tags.PATIENT_NAME, tags.PATIENT_ID):
            return self._patient(element)
        if Action.U in actions:
            return self._uid(element)
        if Action.C in actions:
            return self._cleaned(element)
        if Action.D in actions or Action.Z in actions:
            return self.replaced(element, dummy_allowed=Action.D in actions)
        return _breaks(rules.REMOVE)

    def _patient(self, element: Element) -> Judgement | None:
        """Patient's Name and Patient ID; :mod:`privxray.deid.values.dummies` argues why and how."""
        if element.vr in TEXT:
            if self._passes(element):
                return None
            if is_pseudonym(element.value, as_name=element.tag == tags.PATIENT_NAME):
                return Judgement(rules.EMPTY, rules.PSEUDONYM)
        return _breaks(rules.EMPTY)

    def _uid(self, element: Element) -> Judgement | None:
        if element.vr == "SQ":
            return None  # references: the UIDs in its items are judged one by one
        if element.vr == "UI" and all(
            not uid or registered(uid) or self.profile.is_new_uid(uid) for uid in plain_parts(element.value)
        ):
            return None
        return _breaks(rules.NEW_UID)

    def _unlisted_uid(self, element: Element) -> Judgement | None:
        """A UID outside the table is judged like those in it, unless UIDs stay or it names a class."""
        if (
            element.tag in CLASS_UIDS or element.tag >> 16 == 0x0002
        ):  # the file meta names software, and is made anew
            return None
        return None if Action.K in self.profile.actions(tags.SOP_INSTANCE_UID) else self._uid(element)

    def _cleaned(self, element: Element) -> Judgement | None:
        if element.vr == "SQ":
            return None  # its items are judged one by one
        if element.tag >> 24 in _GRAPHIC or element.vr not in TEXT:
            return _breaks(rules.CLEAN_GRAPHICS)
        if element.vr in _STAMPS and self.profile.is_temporal(element.tag):
            return None if self.profile.dates is Dates.MODIFIED else _breaks(rules.REPLACE)
        return None if self._passes(element) else self._cleaned_text(element)

    def _cleaned_text(self, element: Element) -> Judgement | None:
        text = decoded(element.value, self.codec)
        if is_name(text) or (element.vr == "PN" and has_letters(text)):
            return _breaks(rules.NAME)
        if is_address(text):
            return _breaks(rules.ADDRESS)
        if holds_date(text):
            return _breaks(rules.FREE_TEXT)
        return None if all_neutral(text) else _breaks(rules.CLEAN)

    def replaced(self, element: Element, *, dummy_allowed: bool) -> Judgement | None:
        """What is wrong with a filled attribute whose value must have been replaced.

        :param dummy_allowed: the table allows any dummy; else the value must be empty or plainly a dummy.
        """
        vr = element.vr
        rest = rules.REPLACE if dummy_allowed else rules.EMPTY
        if vr not in TEXT:
            return _breaks(rules.DOCUMENT if element.tag == tags.ENCAPSULATED_DOCUMENT else rest)
        if self._passes(element):
            return None
        text = decoded(element.value, self.codec)
        if vr == "PN" and has_letters(text):
            pseudonym = is_pseudonym(element.value, as_name=True)
            return Judgement(rules.NAME, rules.PSEUDONYM if pseudonym else rules.NAME)
        if vr == "PN" or (vr in _WITHOUT_PROSE and element.tag not in _BIRTH_DATES):
            return _breaks(rest)
        if element.tag in _BIRTH_DATES:
            return _breaks(rules.REPLACE if _YEAR_ONLY.fullmatch(text) else rules.BIRTH_DATE)
        return self._replaced_text(element, text, dummy_allowed)

    @staticmethod
    def _replaced_text(element: Element, text: str, dummy_allowed: bool) -> Judgement:
        shape, pseudonym = shape_of(text), is_pseudonym(element.value, as_name=False)
        if shape in ("name", "address"):
            return _breaks(rules.NAME if shape == "name" else rules.ADDRESS)
        if element.tag in INSTITUTIONS and has_letters(text) and not pseudonym and not all_neutral(text):
            return _breaks(rules.INSTITUTION)
        if shape is not None and not (shape == "free text" and all_neutral(text)):
            return _breaks(rules.FREE_TEXT)
        if dummy_allowed or _SHORT_NUMBER.fullmatch(text):
            return _breaks(rules.REPLACE)
        return Judgement(rules.EMPTY, rules.PSEUDONYM if pseudonym else rules.EMPTY)

    def _kept_text(self, element: Element) -> Judgement | None:
        """An attribute that no row of the table governs, or a private one that the profile keeps."""
        vr = element.vr
        if vr not in _KEPT_TEXTS or len(element.value) < _SHORTEST_KEPT:
            return None
        text = decoded(element.value, self.codec)
        if vr == "PN":
            return _breaks(rules.KEPT_TEXT) if has_letters(text) and not self._passes(element) else None
        rule = telling_shape(element.tag, vr, text)
        return self._unknown_text(element, text) if rule is None else _breaks(rule)

    def _unknown_text(self, element: Element, text: str) -> Judgement | None:
        tag, vr = element.tag, element.vr
        if tag & 0x10000 or tag >> 16 == _FILE_META or tag == tags.CODING_SCHEME_RESPONSIBLE_ORGANIZATION:
            return None
        if self._passes(element):
            return None
        unknown = any(is_unknown(tag, vr, value) for value in values_of(vr, text))
        return _breaks(rules.KEPT_UNKNOWN) if unknown else None

    def _passes(self, element: Element) -> bool:
        """True if it holds nothing but listed dummies and declared pseudonyms."""
        if is_dummy(element.vr, element.value):
            return True
        parts = [part.strip(" \0") for part in decoded(element.value, self.codec).split("\\")]
        return all(not part or self.profile.is_pseudonym(element.tag, part) for part in parts)


def telling_shape(tag: int, vr: str, text: str) -> Rule | None:
    """The rule that a text breaks by its shape alone, in an attribute that no row of the table governs.

    :param text: one value or several, decoded.
    """
    if tag == tags.CODING_SCHEME_RESPONSIBLE_ORGANIZATION:  # with its address
        return None
    if vr not in _WITHOUT_SHAPE:
        if is_name(text) or is_address(text):
            return rules.KEPT_TEXT
        if holds_record_number(text):
            return rules.KEPT_NUMBER
    of_software = tag == tags.SOFTWARE_VERSIONS or tag >> 16 == _FILE_META
    if vr != "UR" and not of_software and holds_date(text):
        return rules.KEPT_DATE
    return None


@lru_cache(maxsize=4)
def _known(_: Profile) -> dict[_Key, Opinion]:
    return {}


def _breaks(rule: Rule) -> Judgement:
    """A rule that is broken whatever the file declares."""
    return Judgement(rule, rule)
