"""The check of a set of files: gathers the scans, and adds what only all files together tell.

That is: leaks (:mod:`privxray.deid.judging.leaks`), broken relations
(:mod:`privxray.deid.judging.set_relations`), and public names that two files would share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePath

from privxray.deid.findings import rules
from privxray.deid.findings.report import FileReport, Finding, Verdict, verdict_of
from privxray.deid.judging.leak_findings import new_leaks
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import Scan
from privxray.deid.judging.set_relations import SetRelations
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.profile import Profile
from privxray.naming.public_names import public_name


class SetCheck:
    """Gathers the scans of a set's files and makes their reports.

    Each file is added once, by its position in the set. All positions from 0 on must come, but in any order,
    for workers give them as they finish. What is said of a file does not depend on that order.

    :param profile: that the files were scanned with; the Basic Profile if None.
    :ivar leaks: what to search for in the files that :meth:`to_search` names.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or basic_profile()
        self.leaks = LeakSearch()
        self._relations = SetRelations()
        self._files: dict[int, tuple[FileReport, PurePath]] = {}
        self._shared: dict[Finding, Finding] = {}
        self._dicom: list[int] = []
        self._ahead: dict[int, Scan] = {}  # scans that came before their turn
        self._turn = 0

    def add(
        self, place: int, scan: Scan, *, digest: str, path: Path, relative: PurePath, number: int
    ) -> FileReport:
        """Take the scan of one file.

        :param place: position of the file in the set, from 0.
        :param digest: SHA-256 of the file; empty if none was computed.
        :param relative: its path below the folder that the user named.
        :param number: its position, from 1, among the files that the user can list.
        :returns: its report so far, without what only the whole set tells.
        """
        findings = list(scan.findings)
        if scan.damage:
            findings.append(rules.UNREADABLE.because(scan.damage))
        if scan.relations is not None:
            self._dicom.append(place)
        shared = tuple(self._shared.setdefault(finding, finding) for finding in findings)
        verdict: Verdict = "error" if scan.damage else verdict_of(shared)
        report = FileReport(public_name(relative, number, scan.hidden), path, verdict, shared, digest, number)
        self._files[place] = report, relative
        scan.findings = []
        self._ahead[place] = scan
        while self._turn in self._ahead:
            self._relate(self._turn, self._ahead.pop(self._turn))
            self._turn += 1
        return self._files[place][0]

    def _relate(self, place: int, scan: Scan) -> None:
        """Compare a file with those before it, and keep its values that are to be searched for."""
        for kind, value in sorted(scan.undisguised):
            self.leaks.add(kind, value)
        if scan.relations is not None and not scan.damage:
            self._append(place, self._relations.add(scan.relations))

    def to_search(self) -> list[tuple[int, Path]]:
        """The files to search for values that identify a patient; none if the set has no such values."""
        return [(place, self._files[place][0].path) for place in sorted(self._dicom)] if self.leaks else []

    def add_leaks(self, place: int, findings: Iterable[Finding]) -> None:
        """Take what the search found in one file.

        :param place: as in :meth:`add`.
        """
        self._append(place, new_leaks(self._files[place][0].findings, findings))

    def _append(self, place: int, findings: Iterable[Finding]) -> None:
        report, relative = self._files[place]
        shared = tuple(self._shared.setdefault(finding, finding) for finding in findings)
        if shared:
            verdict = report.verdict if report.verdict == "error" else verdict_of(report.findings + shared)
            self._files[place] = replace(report, findings=report.findings + shared, verdict=verdict), relative

    def reports(self) -> tuple[FileReport, ...]:
        """The reports of all files, in order; call it once all are added and searched."""
        if self.leaks:
            for place, (_, relative) in list(self._files.items()):
                if self.leaks.in_path(relative):
                    self._hide(place)
                    self.add_leaks(place, [rules.LEAK_PATH.at("path")])
            if self.leaks.limited and self._files:
                self.add_leaks(min(self._files), [rules.LEAK_LIMIT.at("file")])
        names: set[str] = set()
        for place in sorted(self._files):
            if self._files[place][0].name in names:  # the same name below two of the folders
                self._hide(place)
            names.add(self._files[place][0].name)
        return tuple(self._files[place][0] for place in sorted(self._files))

    def _hide(self, place: int) -> None:
        report, relative = self._files[place]
        self._files[place] = replace(report, name=f"file #{report.number}"), relative
