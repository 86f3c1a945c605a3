"""One DICOM file against a profile, at every depth (PS3.15 E.1.1 and Table E.1-1; PS3.10 section 7).

The order of work: preamble, file meta, data set (unfolded first if it is deflated), then what the file claims
of itself (:mod:`privxray.deid.judging.claims`). Pixel data is skipped, but not what follows it. An attribute
inside one that must be removed is reported as well, so that nothing has to be guessed.

The scan also gathers what the check of the set needs (:mod:`privxray.deid.judging.scan`).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import codec_of, decoded, plain_text
from privxray.deid.dicomfile.element import DamagedError, Data, Element
from privxray.deid.dicomfile.file_reader import FileReader
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.findings.rules import Rule
from privxray.deid.judging.claims import Claims
from privxray.deid.judging.content_items import ContentItems
from privxray.deid.judging.element_judge import Judge, Judgement
from privxray.deid.judging.scan import FileRelations, Scan, ValueKind
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.identifying import IDENTIFIERS, INSTITUTIONS
from privxray.deid.profile.profile import Dates, Profile
from privxray.deid.tags import SPECIFIC_CHARACTER_SET

MAX_PLACES: Final = 200
"""Most findings of one rule in one file that are listed one by one; the rest are counted."""

MAX_VALUES: Final = 500
"""Most identifying values that one file contributes to the search of the set, and to the names to hide."""

_MAX_LENGTH: Final = 256  # characters of an identifying value
_MAX_READ: Final = 1024  # bytes that are looked at for a name to hide, or for a relation
_MIN_HIDDEN: Final = 3
_NETWORK: Final = frozenset(
    {
        tags.SOURCE_APPLICATION_ENTITY_TITLE,
        tags.SENDING_APPLICATION_ENTITY_TITLE,
        tags.RECEIVING_APPLICATION_ENTITY_TITLE,
        tags.SOURCE_PRESENTATION_ADDRESS,
        tags.SENDING_PRESENTATION_ADDRESS,
        tags.RECEIVING_PRESENTATION_ADDRESS,
    }
)
_PRIVATE_META: Final = frozenset({tags.PRIVATE_INFORMATION_CREATOR_UID, tags.PRIVATE_INFORMATION})
_COMPONENT: Final = re.compile(r"[\\^=, \0]+")
_IDENTIFYING: Final = IDENTIFIERS | INSTITUTIONS | {tags.PATIENT_BIRTH_DATE}
_OF_TEXT: Final = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "PN", "CS", "DA", "DT"})


def scan_dicom(data: Data, profile: Profile | None = None) -> Scan:
    """Check one DICOM file in memory. Raises nothing, whatever the bytes are.

    :param profile: what may become of each attribute; the Basic Profile if None.
    """
    return _Scanner(data, profile or basic_profile()).run()


class _Doubtful(NamedTuple):
    """A finding that depends on whether the file turns out to declare its de-identification.

    :ivar place: its place in the list of findings; None if it was only counted.
    """

    place: int | None
    judgement: Judgement
    element: Element


class _Scanner:
    def __init__(self, data: Data, profile: Profile) -> None:
        self._reader = FileReader(data)
        self._profile = profile
        self._judge = Judge(profile)
        self._scan = Scan()
        self._claims = Claims(profile)
        self._content = ContentItems(self._judge)
        self._doubtful: list[_Doubtful] = []
        self._places: Counter[str] = Counter()  # by rule, listed or not
        self._unlisted = False

    def run(self) -> Scan:
        scan = self._scan
        if not self._reader.has_blank_preamble():
            self._add(rules.PREAMBLE.at("preamble"))
        try:
            for element in self._reader.walk_meta():
                self._take_meta(element)
            for element in self._reader.walk_data_set():
                self._take(element)
        except DamagedError as damage:
            scan.damage = str(damage)
        for finding in self._content.finish():
            self._add(finding)
        self._settle()
        if not scan.damage:
            self._take_whole()
        if self._unlisted:
            self._count_unlisted()
        scan.relations = self._relations()
        return scan

    def _take_meta(self, element: Element) -> None:
        self._apply(element)
        if element.filled and not element.prefix:
            if element.tag in _NETWORK:
                self._add(rules.META_NETWORK.at(element.where))
            elif element.tag in _PRIVATE_META:
                self._add(rules.META_PRIVATE.at(element.where))

    def _take(self, element: Element) -> None:
        tag = element.tag
        self._claims.take(element)
        if tag == SPECIFIC_CHARACTER_SET and not element.prefix:
            self._judge.codec = codec_of(element.value)
        self._apply(element)
        if element.prefix or self._content.open:
            for finding in self._content.take(element):
                self._add(finding)
        if tag >> 16 in (0x0000, 0x0002):
            self._add(rules.META_PLACE.at(element.where))

    def _take_whole(self) -> None:
        """What only a file tells that was read to its end."""
        if self._reader.zeros:
            self._add(rules.TRAILING_ZEROS.at("file"))
        for finding in self._claims.findings(self._reader.meta):
            self._add(finding)

    def _apply(self, element: Element) -> None:
        """Judge an element, and keep its value where it identifies somebody."""
        judgement, writing = self._judge.opinion(element)
        if judgement is not None:
            rule, declared, name = judgement
            place = self._add(rule.at(element.where, name))
            if declared is rule:
                self._remember(element, rule)
            else:
                self._doubtful.append(_Doubtful(place, judgement, element))
        elif element.vr == "PN" or element.tag in IDENTIFIERS:
            self._hide(element)
            # A dummy or a declared pseudonym may be in a path; what the profile merely keeps may not.
            if element.filled and element.tag in (tags.PATIENT_NAME, tags.PATIENT_ID):
                self._scan.hidden.discard(plain_text(element.value))
        for broken in writing:
            self._add(broken.at(element.where))

    def _remember(self, element: Element, rule: Rule) -> None:
        """Keep the value of an identifying attribute that is there undisguised."""
        tag, is_name = element.tag, element.vr == "PN"
        if not is_name and tag not in _IDENTIFYING:
            return
        if is_name or tag in IDENTIFIERS:
            self._hide(element)
        if rule.severity != "error" or not element.filled or element.vr not in _OF_TEXT:
            return
        kind: ValueKind = "id"
        if is_name or tag == tags.PATIENT_NAME:
            kind = "name"
        elif tag == tags.PATIENT_BIRTH_DATE:
            kind = "date"
        elif tag in INSTITUTIONS:
            kind = "place"
        for part in decoded(element.value, self._judge.codec).split("\\"):
            if len(self._scan.undisguised) < MAX_VALUES and part.strip():
                self._scan.undisguised.add((kind, part.strip()[:_MAX_LENGTH]))

    def _hide(self, element: Element) -> None:
        """Keep a value that the public name of the file must not hold."""
        # A path is printed only if it is ASCII, so the character set does not matter.
        text = plain_text(element.value[:_MAX_READ])
        if len(self._scan.hidden) < MAX_VALUES:
            parts = (text, *_COMPONENT.split(text))
            self._scan.hidden.update(part for part in parts if len(part) >= _MIN_HIDDEN)

    def _settle(self) -> None:
        """What looks like a pseudonym is one only in a file that says by what method it was made."""
        declared = self._claims.names_its_method()
        for place, judgement, element in self._doubtful:
            if not declared:
                self._remember(element, judgement.rule)
                continue
            self._places[judgement.rule.id] -= 1
            self._places[judgement.declared.id] += 1
            if place is not None:
                self._scan.findings[place] = judgement.declared.at(element.where, judgement.name)

    def _count_unlisted(self) -> None:
        listed = Counter(finding.rule for finding in self._scan.findings)
        for rule, places in self._places.items():
            if places > listed[rule]:
                self._scan.findings.append(rules.RULES[rule].more(places - listed[rule]))

    def _relations(self) -> FileRelations:
        def of(tag: int) -> str:
            return decoded(self._claims.value(tag)[:_MAX_READ], self._judge.codec)

        dated = self._profile.dates is Dates.MODIFIED
        return FileRelations(
            instance=of(tags.SOP_INSTANCE_UID),
            series=of(tags.SERIES_INSTANCE_UID),
            study=of(tags.STUDY_INSTANCE_UID),
            patient=of(tags.PATIENT_ID),
            name=of(tags.PATIENT_NAME).rstrip("^ "),
            birth_date=of(tags.PATIENT_BIRTH_DATE),
            study_date=of(tags.STUDY_DATE) if dated else "",
            series_date=of(tags.SERIES_DATE) if dated else "",
        )

    def _add(self, finding: Finding) -> int | None:
        """List a finding, or only count it; its place in the list."""
        places = self._places[finding.rule] = self._places[finding.rule] + 1
        if places > MAX_PLACES:
            self._unlisted = True
            return None
        self._scan.findings.append(finding)
        return len(self._scan.findings) - 1
