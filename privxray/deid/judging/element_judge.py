"""One element against a profile: the findings about it, and whether its value identifies somebody.

The action actions come from :class:`~privxray.deid.profile.profile.Profile`; here is what each of them means
for a value that is there. ``K`` keeps. ``X`` alone is an error for any value. ``U`` wants a UID of the
standard or of a declared form. ``C`` and the alternatives with ``D`` or ``Z`` are judged by the value's shape
(:mod:`privxray.deid.values.shapes`): a listed dummy or a declared pseudonym passes, what plainly identifies
is an error, and the rest is a notice where the table allows a dummy (``D``) and an error where it asks for
an empty value (``Z``), short numbers excepted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import decoded
from privxray.deid.dicomfile.dictionary import registered, standard_vr
from privxray.deid.dicomfile.element import TEXT, Element
from privxray.deid.findings import rules
from privxray.deid.findings.rules import Rule
from privxray.deid.judging.value_representation import CONTENT, writing
from privxray.deid.profile.annex_e import lookup
from privxray.deid.profile.identifying import INSTITUTIONS
from privxray.deid.profile.profile import Action, Dates, Profile
from privxray.deid.values.dummies import is_dummy, is_pseudonym
from privxray.deid.values.shapes import all_neutral, has_letters, holds_date, is_address, is_name, shape_of

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
_GRAPHIC: Final = frozenset({0x50, 0x60})
_REMEMBERED: Final = 64
_MOST_REMEMBERED: Final = 32_768


class Judgement(NamedTuple):
    """What there is to say about one element.

    :ivar rule: None where its action is carried out.
    :ivar declared: the rule instead, in a file that declares its de-identification.
    :ivar name: the attribute's name in the table; empty where the rule needs none.
    """

    rule: Rule | None
    declared: Rule | None
    name: str = ""


_FINE: Final = Judgement(None, None)


class Opinion(NamedTuple):
    """All that there is to say about one element: by its action, and by how it is written."""

    judgement: Judgement
    writing: tuple[Rule, ...]


_Key: TypeAlias = tuple[int, str, str | None, bytes, bool, bool, str | None, str]


class Judge:
    """Applies one profile. :ivar codec: of the file at hand; set it when (0008,0005) is read.

    Opinions on short values are kept from file to file, for most of a header is the same in all of a series.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.codec = "ascii"
        self._known = _known(profile)

    def opinion(self, element: Element) -> Opinion:
        """The verdict on an element, wherever it is."""
        tag, vr, stored, _, value, filled, again, _, _, creator = element
        key = tag, vr, stored, value, filled, again, creator, self.codec
        known = self._known.get(key)
        if known is None:
            known = Opinion(self.judge(element), tuple(writing(element, self.profile)))
            if len(value) <= _REMEMBERED:
                if len(self._known) >= _MOST_REMEMBERED:  # a hostile set can't make this grow without end
                    self._known.clear()
                self._known[key] = known
        return known

    def judge(self, element: Element) -> Judgement:
        """The verdict on an element by its action code."""
        tag = element.tag
        actions = self.profile.actions(tag, element.creator)
        if tag & 0x10000:
            if Action.K in actions:
                return self._kept_text(element) if element.filled else _FINE
            return _always(rules.PRIVATE)
        if not actions:
            if standard_vr(tag) is None:
                return _always(rules.UNKNOWN)
            return self._kept_text(element) if element.filled else _FINE
        row = lookup(tag)
        name = row.name if row is not None else ""
        if not element.filled:
            return _always(rules.REMOVE_EMPTY, name) if actions == (Action.X,) else _FINE
        found = self._filled(element, actions)
        return _FINE if found is _FINE else Judgement(found.rule, found.declared, name)

    def _filled(self, element: Element, actions: tuple[Action, ...]) -> Judgement:
        tag = element.tag
        if Action.K in actions:
            return _FINE
        if tag in (tags.PATIENT_NAME, tags.PATIENT_ID):
            return self._patient(element)
        if Action.U in actions:
            return self._uid(element)
        if Action.C in actions:
            return self._cleaned(element)
        if Action.D in actions or Action.Z in actions:
            return self.replaced(element, dummy_allowed=Action.D in actions)
        return _always(rules.REMOVE)

    def _patient(self, element: Element) -> Judgement:
        """Patient's Name and Patient ID; :mod:`privxray.deid.values.dummies` argues why and how."""
        if element.vr not in TEXT:
            return _always(rules.EMPTY)
        if self._passes(element):
            return _FINE
        if is_pseudonym(element.value, as_name=element.tag == tags.PATIENT_NAME):
            return Judgement(rules.EMPTY, rules.PSEUDONYM)
        return _always(rules.EMPTY)

    def _uid(self, element: Element) -> Judgement:
        if element.vr == "SQ":
            return _FINE  # references: the UIDs in its items are judged one by one
        if element.vr != "UI":
            return _always(rules.NEW_UID)
        uids = [uid.strip(" \0") for uid in element.value.decode("latin-1").split("\\")]
        if all(not uid or registered(uid) or self.profile.is_new_uid(uid) for uid in uids):
            return _FINE
        return _always(rules.NEW_UID)

    def _cleaned(self, element: Element) -> Judgement:
        if element.vr == "SQ":
            return _FINE  # its items are judged one by one
        if element.tag >> 24 in _GRAPHIC or element.vr not in TEXT:
            return _always(rules.CLEAN_GRAPHICS)
        if element.vr in _STAMPS and self.profile.is_temporal(element.tag):
            return _FINE if self.profile.dates is Dates.MODIFIED else _always(rules.REPLACE)
        if self._passes(element):
            return _FINE
        text = decoded(element.value, self.codec)
        if element.vr == "PN" and has_letters(text):
            return _always(rules.NAME)
        if is_name(text):
            return _always(rules.NAME)
        if is_address(text):
            return _always(rules.ADDRESS)
        if holds_date(text):
            return _always(rules.FREE_TEXT)
        return _FINE if all_neutral(text) else _always(rules.CLEAN)

    def replaced(self, element: Element, *, dummy_allowed: bool) -> Judgement:
        """A filled attribute that must hold a dummy (``dummy_allowed``) or be empty or plainly a dummy."""
        tag, vr = element.tag, element.vr
        rest = rules.REPLACE if dummy_allowed else rules.EMPTY
        if vr not in TEXT:
            return _always(rest)
        if self._passes(element):
            return _FINE
        pseudonym = is_pseudonym(element.value, as_name=vr == "PN")
        text = decoded(element.value, self.codec)
        if vr == "PN":
            if not has_letters(text):
                return _always(rest)
            return Judgement(rules.NAME, rules.PSEUDONYM if pseudonym else rules.NAME)
        if tag in _BIRTH_DATES:
            return _always(rules.REPLACE if _YEAR_ONLY.fullmatch(text) else rules.BIRTH_DATE)
        if vr in _STAMPS or vr in ("UI", "AE"):
            return _always(rest)
        shape = shape_of(text)
        if shape == "name":
            return _always(rules.NAME)
        if shape == "address":
            return _always(rules.ADDRESS)
        if tag in INSTITUTIONS and has_letters(text) and not pseudonym and not all_neutral(text):
            return _always(rules.INSTITUTION)
        if shape is not None and not (shape == "free text" and all_neutral(text)):
            return _always(rules.FREE_TEXT)
        if dummy_allowed or _SHORT_NUMBER.fullmatch(text):
            return _always(rules.REPLACE)
        return Judgement(rules.EMPTY, rules.PSEUDONYM if pseudonym else rules.EMPTY)

    def _kept_text(self, element: Element) -> Judgement:
        """An attribute that no row of the table governs, and a safe private one."""
        vr = element.vr
        if vr not in TEXT or vr in CONTENT or vr in ("UI", "AE"):
            return _FINE
        if len(element.value) < 3:
            return _FINE
        text = decoded(element.value, self.codec)
        if vr == "PN":
            return _FINE if self._passes(element) or not has_letters(text) else _always(rules.KEPT_TEXT)
        if vr == "UR" or element.tag == tags.CODING_SCHEME_RESPONSIBLE_ORGANIZATION:  # with its address
            return _FINE
        return _always(rules.KEPT_TEXT) if is_name(text) or is_address(text) else _FINE

    def _passes(self, element: Element) -> bool:
        """Does it hold listed dummies and declared pseudonyms only?"""
        if is_dummy(element.vr, element.value):
            return True
        parts = [part.strip(" \0") for part in decoded(element.value, self.codec).split("\\")]
        return all(not part or self.profile.is_pseudonym(element.tag, part) for part in parts)


@lru_cache(maxsize=4)
def _known(_: Profile) -> dict[_Key, Opinion]:
    return {}


def _always(rule: Rule, name: str = "") -> Judgement:
    return Judgement(rule, rule, name)
