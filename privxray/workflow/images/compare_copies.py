"""Comparing checked copies with their originals: ``check COPIES --against ORIGINALS``.

This runs after the check of the copies and adds its findings to each file's. The originals are read once for
what tells them apart, and each again beside its copy; files are read one at a time. Where the pixels of a
copy are stored in another way than those of any original, both are decoded.

Tested in tests/cli/test_check_against.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from privxray.deid import tags
from privxray.deid.comparing.compared_file import compare
from privxray.deid.comparing.crosswalk import read_crosswalk
from privxray.deid.comparing.file_traits import FileTraits, traits_of
from privxray.deid.comparing.originals import Match, Originals
from privxray.deid.comparing.remaining_attributes import OriginalsByAttributes
from privxray.deid.dicomfile.element import DamagedError
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.findings import rules
from privxray.deid.findings.file_record import SpooledReports
from privxray.deid.findings.report import FileReport, Finding, Report, verdict_of
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.leak_findings import new_leaks
from privxray.deid.profile.profile import Profile
from privxray.deid.sources.selection import select
from privxray.errors import MalformedError, UsageError
from privxray.naming.public_names import public_name
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.images.compare_pixels import DecodedOriginals, compared_pixels

_NAMED: Final = 10
_OF_DOCUMENTS: Final = frozenset({rules.DOCUMENT_SEARCHED.id, rules.LEAK_BYTES.id})


@dataclass(frozen=True)
class Comparison:
    """What came of comparing copies with their originals; counts only.

    :ivar originals: DICOM files among the originals. :ivar unused: those of them without a copy.
    :ivar compared: copies whose original was found, by how it was found.
    :ivar patient_only: copies of which only the patient is known.
    :ivar unmatched: copies of which nothing is known. :ivar pictures: JPEG and PNG, which have no header.
    :ivar pixels: copies by what became of their pixels.
    :ivar found: copies by rule, for those that only the originals tell.
    """

    originals: int
    unused: int
    compared: Mapping[str, int]
    patient_only: int
    unmatched: int
    pictures: int
    pixels: Mapping[str, int]
    found: Mapping[str, int]

    def rows(self) -> list[tuple[str, int]]:
        """The counts in words, for a table; those that are 0 and say nothing are left out."""
        ways = {
            "uid": "copies whose original was found by its UID",
            "pixels": "copies whose original was found by its pixels",
            "document": "copies whose original was found by its document",
            "exposure": "copies whose original was found by size and exposure",
            "attributes": "copies whose original was found by other attributes",
            "crosswalk": "copies whose original was found with the crosswalk",
        }
        kept = {
            "leak": (rules.LEAK.id, rules.LEAK_PSEUDONYM.id, rules.LEAK_BYTES.id),
            "value": (rules.AGAINST_VALUE.id,),
            "uid": (rules.AGAINST_UID.id,),
            "date": (rules.AGAINST_DATE.id,),
        }
        found = {what: max(self.found.get(rule, 0) for rule in listed) for what, listed in kept.items()}
        rows = [("originals", self.originals)]
        rows += [(words, self.compared[how]) for how, words in ways.items() if self.compared.get(how)]
        optional = [
            ("copies of which only the patient is known", self.patient_only),
            ("copies without an original", self.unmatched),
            ("originals without a copy", self.unused),
            ("JPEG and PNG, not compared", self.pictures),
        ]
        rows += [(words, count) for words, count in optional if count]
        return [
            *rows,
            ("copies with names, numbers or dates of birth of originals", found["leak"]),
            ("copies with other values that should have been replaced", found["value"]),
            ("copies with UIDs of originals", found["uid"]),
            ("copies with dates or times of their original", found["date"]),
            ("copies with the same pixels", self.pixels.get("same", 0)),
            ("copies with other pixels", self.pixels.get("changed", 0)),
            ("copies whose pixels could not be compared", self.pixels.get("not_compared", 0)),
        ]

    def to_json(self) -> dict[str, object]:
        """What ``check --json`` prints under ``against``."""
        return {
            "originals": self.originals,
            "originals_without_copy": self.unused,
            "compared": dict(self.compared),
            "patient_only": self.patient_only,
            "unmatched": self.unmatched,
            "pictures": self.pictures,
            "pixels": dict(self.pixels),
            "files_with": dict(self.found),
        }


@dataclass(frozen=True)
class ComparedWith:
    """What copies are compared with.

    :ivar originals: files, folders or zips. :ivar crosswalk: a csv that says whose copy is whose.
    :ivar profile: that the copies were checked by.
    """

    originals: Sequence[Path]
    profile: Profile
    crosswalk: Path | None = None


def compare_report(
    report: Report, terms: ComparedWith, *, reading: Progress | None = None, progress: Progress | None = None
) -> tuple[Report, Comparison]:
    """The report with the findings that only the originals tell, and how many there are.

    :param reading: called after each original. :param progress: called after each copy.
    :raises UsageError: there is no DICOM file among the originals.
    :raises MalformedError: an original can't be read, so nobody knows what copies must not hold; or the
        crosswalk is malformed.
    """
    crosswalk = {} if terms.crosswalk is None else read_crosswalk(terms.crosswalk)
    work = _Comparing(terms, crosswalk, _read_originals(terms, reading))
    for place, file in enumerate(report.files):
        work.match(place, file)
    files = SpooledReports()
    for place, file in enumerate(report.files):
        files.append(work.compared(place, file))
        if progress is not None:
            progress(place + 1, len(report.files))
    return replace(report, files=files), work.comparison()


def _read_originals(terms: ComparedWith, progress: Progress | None) -> Originals:
    originals = Originals()
    unread: list[str] = []
    selected = select(terms.originals)
    for number, file in enumerate(selected.files, start=1):
        try:
            data = file.read_whole()
            if is_dicom(data):
                values = scan_bytes(data, terms.profile).undisguised
                originals.add(file, traits_of(data, terms.profile), values)
        except (UnreadFileError, DamagedError):
            unread.append(public_name(file.relative, number))
        if progress is not None:
            progress(number, len(selected.files))
    if unread:
        more = f" and {len(unread) - _NAMED} more" if len(unread) > _NAMED else ""
        raise MalformedError(
            f"{len(unread)} of the originals can't be read to the end ({', '.join(unread[:_NAMED])}{more}), "
            "so nobody knows what copies of them must not hold",
            reason="against.original-unreadable",
            advice="Mend them or leave them out: a copy of one then counts as a copy without an original",
        )
    if not originals.files:
        raise UsageError(
            "there is no DICOM file among the originals",
            reason="against.no-originals",
            advice="Name the folder that the copies were made from after --against.",
        )
    return originals


class _Comparing:
    """Matches all copies first, for files of one patient tell of each other, then compares them."""

    def __init__(self, terms: ComparedWith, crosswalk: Mapping[str, str], originals: Originals) -> None:
        self._profile = terms.profile
        self._crosswalk = crosswalk
        self._originals = originals
        self._decoded: DecodedOriginals | None = None
        self._attributes: OriginalsByAttributes | None = None
        self._matches: dict[int, Match] = {}
        self._owners: defaultdict[str, set[int]] = defaultdict(set)
        self._pictures = 0
        self._pixels: Counter[str] = Counter()
        self._found: Counter[str] = Counter()

    def match(self, place: int, file: FileReport) -> None:
        """Find the original of a copy."""
        with suppress(UnreadFileError, DamagedError):
            data = file.source.read_whole()
            if not is_dicom(data):
                self._pictures += 1
                return
            copy = traits_of(data, self._profile)
            match = self._originals.find(copy, self._crosswalk)
            if not match.places:
                match = self._second_thought(data, copy, match)
            self._matches[place] = match
            if match.places and len(match.patients) == 1:
                self._owners[copy.patient].update(match.patients)

    def _second_thought(self, data: bytes, copy: FileTraits, match: Match) -> Match:
        """The original of a copy, by what takes longer to find out."""
        if copy.pixels:
            if self._decoded is None:
                self._decoded = DecodedOriginals(self._originals)
            match = self._decoded.find(data, match)
        if not match.places:
            if self._attributes is None:
                self._attributes = OriginalsByAttributes(self._originals, self._profile)
            match = self._attributes.find(copy, match)
        return match

    def compared(self, place: int, file: FileReport) -> FileReport:
        """The report of a copy with what its original tells."""
        match = self._matches.get(place)
        if match is None:  # no DICOM, or it can't be read, and fails already
            in_path = self._originals.wanted(()).in_path(file.source.relative)
            return _with_findings(file, [], in_path=in_path)
        try:
            data = file.source.read_whole()
            copy = traits_of(data, self._profile)
            owners = self._owners.get(copy.patient, set())
            if not match.patients and len(owners) == 1:
                match = self._matches[place] = Match(tuple(owners), (), "patient")
            found = [rules.AGAINST_MERGED.at(tags.PATIENT_ID)] if len(owners) > 1 else []
            befores = [self._originals.files[number].read_whole() for number in match.places]
            originals = [traits_of(before, self._profile) for before in befores]
            if originals:
                found += self._compare_pixels((data, befores[0]), (copy, originals[0]))
            found += compare(data, (copy, originals), match, self._originals, self._profile)
        except (UnreadFileError, DamagedError) as trouble:
            return _with_findings(file, [rules.UNREADABLE.because(str(trouble))], in_path=True)
        self._found.update({finding.rule for finding in found})
        in_path = self._originals.wanted(match.patients).in_path(file.source.relative)
        return _with_findings(file, found, in_path=in_path)

    def _compare_pixels(
        self, files: tuple[bytes, bytes], traits: tuple[FileTraits, FileTraits]
    ) -> list[Finding]:
        """A finding unless the two show the same; counts them."""
        copy, original = traits
        if not copy.pixels and not original.pixels:
            return []
        result = "same" if copy.pixels == original.pixels else compared_pixels(*files)
        self._pixels[result] += 1
        if result == "same":
            return []
        rule = rules.AGAINST_PIXELS if result == "changed" else rules.AGAINST_PIXELS_UNSEEN
        return [rule.at(tags.PIXEL_DATA)]

    def comparison(self) -> Comparison:
        """What came of it."""
        matches = self._matches.values()
        used = {place for match in matches for place in match.places}
        return Comparison(
            originals=len(self._originals.files),
            unused=len(self._originals.files) - len(used),
            compared=Counter(match.how for match in matches if match.places),
            patient_only=sum(not match.places and bool(match.patients) for match in matches),
            unmatched=sum(not match.patients for match in matches),
            pictures=self._pictures,
            pixels=self._pixels,
            found=self._found,
        )


def _with_findings(file: FileReport, found: list[Finding], *, in_path: bool) -> FileReport:
    """A file's report with further findings. What a document says was found out, so that rule goes."""
    searched = {finding.where for finding in found if finding.rule in _OF_DOCUMENTS}
    before = tuple(
        finding
        for finding in file.findings
        if finding.rule != rules.DOCUMENT.id or finding.where not in searched
    )
    if in_path and all(finding.rule != rules.LEAK_PATH.id for finding in before):
        found = [*found, rules.LEAK_PATH.at("path")]
    known = {(finding.rule, finding.where) for finding in before}
    new = [finding for finding in new_leaks(before, found) if (finding.rule, finding.where) not in known]
    findings = (*before, *new)
    verdict = "error" if file.verdict == "error" else verdict_of(findings)
    name = f"file #{file.number}" if in_path else file.name
    return replace(file, name=name, findings=findings, verdict=verdict)
