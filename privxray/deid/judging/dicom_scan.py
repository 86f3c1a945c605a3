"""One DICOM file against a profile, at every nesting depth (PS3.15 E.1.1 and Table E.1-1; PS3.10 section 7).

The order of work: preamble, file meta, data set (inflated first where the transfer syntax says so), then what
the file claims of itself (:mod:`privxray.deid.judging.claims`). Pixel data is stepped over; what follows is
not. An attribute inside one that must be removed is reported as well, so that nothing has to be guessed.

A file also gives what the set needs (:mod:`privxray.deid.judging.leaks`,
:mod:`privxray.deid.judging.set_relations`): the values that identify somebody in it, and its identifiers.
They stay in memory and never reach a report.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import codec_of, decoded
from privxray.deid.dicomfile.element import DamagedError, Data, Element
from privxray.deid.dicomfile.file_reader import FileReader
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.findings.rules import Rule
from privxray.deid.judging.claims import Claims, text
from privxray.deid.judging.content_items import ContentItems
from privxray.deid.judging.element_judge import Judge
from privxray.deid.judging.scan import FileRelations, Scan, ValueKind
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.identifying import IDENTIFIERS, INSTITUTIONS
from privxray.deid.profile.profile import Dates, Profile

MAX_PLACES: Final = 200
"""Most findings of one rule in one file that are listed one by one; the rest are counted."""

MAX_TERMS: Final = 500
"""Most identifying values that one file contributes to the search for leaks."""

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

    :param profile: what may become of each attribute; the Basic Profile without one.
    """
    return _Scanner(data, profile or basic_profile()).run()


class _Scanner:
    def __init__(self, data: Data, profile: Profile) -> None:
        self._reader = FileReader(data)
        self._profile = profile
        self._judge = Judge(profile)
        self._scan = Scan()
        self._claims = Claims(profile)
        self._if_declared: list[tuple[int, Rule | None, Element, str]] = []
        self._places: Counter[str] = Counter()
        self._content = ContentItems(self._judge)

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
        self._settle_declared()
        if not scan.damage:
            if self._reader.zeros:
                self._add(rules.TRAILING_ZEROS.at("file"))
            for finding in self._claims.findings(self._reader.meta):
                self._add(finding)
        scan.findings = [finding for finding in scan.findings if finding is not _NOTHING]
        for rule, places in self._places.items():
            if places > MAX_PLACES:
                scan.findings.append(rules.RULES[rule].more(places - MAX_PLACES))
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
        if tag == tags.SPECIFIC_CHARACTER_SET and not element.prefix:
            self._judge.codec = codec_of(element.value)
        self._apply(element)
        if element.prefix or self._content.open:
            for finding in self._content.take(element):
                self._add(finding)
        if tag >> 16 in (0x0000, 0x0002):
            self._add(rules.META_PLACE.at(element.where))

    def _apply(self, element: Element) -> None:
        (found, declared, name), writing = self._judge.opinion(element)
        if found is not None:
            if declared is not found:
                self._if_declared.append((len(self._scan.findings), declared, element, name))
            else:
                self._remember(element, found)
            self._add(found.at(element.where, name))
        elif element.vr == "PN" or element.tag in IDENTIFIERS:
            self._hide(element)  # a pseudonym that the profile declares may still not name the file
            if element.filled and self._passes_openly(element):
                self._scan.hidden.discard(text(element.value))
        for rule in writing:
            self._add(rule.at(element.where))

    def _passes_openly(self, element: Element) -> bool:
        """A dummy or a declared pseudonym may be in a path; what the profile merely keeps may not."""
        return element.tag in (tags.PATIENT_NAME, tags.PATIENT_ID)

    def _remember(self, element: Element, rule: Rule) -> None:
        """Keep a value that is there undisguised in an identifying attribute."""
        if element.vr != "PN" and element.tag not in _IDENTIFYING:
            return
        if element.vr == "PN" or element.tag in IDENTIFIERS:
            self._hide(element)
        if rule.severity != "error" or not element.filled or element.vr not in _OF_TEXT:
            return
        kind: ValueKind = "id"
        if element.vr == "PN" or element.tag == tags.PATIENT_NAME:
            kind = "name"
        elif element.tag == tags.PATIENT_BIRTH_DATE:
            kind = "date"
        elif element.tag in INSTITUTIONS:
            kind = "place"
        for part in decoded(element.value, self._judge.codec).split("\\"):
            if len(self._scan.undisguised) < MAX_TERMS and part.strip():
                self._scan.undisguised.add((kind, part.strip()[:256]))

    def _hide(self, element: Element) -> None:
        # Only ASCII can occur in a path that is printed at all, so the character set does not matter.
        text = element.value[:1024].decode("latin-1").strip(" \0")
        if len(self._scan.hidden) < MAX_TERMS:
            self._scan.hidden.update(part for part in (text, *_COMPONENT.split(text)) if len(part) >= 3)

    def _settle_declared(self) -> None:
        """What looks like a pseudonym is one only in a file that says by what method it was made."""
        says_so = self._claims.names_its_method()
        for index, declared, element, name in self._if_declared:
            if not says_so:
                rule = self._judge.judge(element).rule
                if rule is not None:
                    self._remember(element, rule)
            elif index < len(self._scan.findings):
                self._scan.findings[index] = (
                    _NOTHING if declared is None else declared.at(element.where, name)
                )

    def _relations(self) -> FileRelations:
        def of(tag: int) -> str:
            return decoded(self._claims.value(tag)[:1024], self._judge.codec)

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

    def _add(self, finding: Finding) -> None:
        self._places[finding.rule] += 1
        if self._places[finding.rule] <= MAX_PLACES:
            self._scan.findings.append(finding)


_NOTHING: Final = Finding("", "notice", "", "")
