"""The check of a set of files: what only all files together tell, and the reports that are made with it.

That is: leaks (:mod:`privxray.deid.judging.leaks`), broken relations
(:mod:`privxray.deid.judging.set_relations`), and public names that two files would share.
"""

from __future__ import annotations

from dataclasses import replace

from privxray.deid.findings import rules
from privxray.deid.findings.file_record import FileRecord
from privxray.deid.findings.report import FileReport, Finding, verdict_of
from privxray.deid.judging.leak_findings import new_leaks
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import Scan
from privxray.deid.judging.set_relations import Mark, SetRelations, marks_of, own_mark
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.profile import Profile
from privxray.deid.sources.source_file import SourceFile
from privxray.naming.public_names import public_name
from privxray.workspace.disk_tables import FirstValues


def record_of(scan: Scan, digest: str, source: SourceFile, number: int, mark: Mark = own_mark) -> FileRecord:
    """The record of one file.

    :param digest: SHA-256 of the file; empty if none was computed.
    :param number: its position, from 1, among the files that the user can list.
    :param mark: makes digests of what relates the file to others.
    """
    damage = [rules.UNREADABLE.because(scan.damage)] if scan.damage else []
    return FileRecord(
        public_name(source.relative, number, scan.hidden),
        source,
        bool(scan.damage),
        (*scan.findings, *damage),
        digest,
        number,
        None if scan.relations is None else marks_of(scan.relations, mark),
    )


class WholeSet:
    """Makes the reports of a set's files from their records, which come in order.

    Memory: none that grows with the set; see :mod:`privxray.workspace.disk_tables`.

    :ivar limited: there were more identifying values than are searched for.
    """

    def __init__(self, *, limited: bool = False) -> None:
        self.limited = limited
        self._relations = SetRelations()
        self._names = FirstValues()
        self._files = 0

    def report(self, record: FileRecord) -> FileReport:
        """The report of the next file."""
        return self.complete(record, self.relate(record))

    def relate(self, record: FileRecord) -> list[Finding]:
        """What is wrong with the next file against those before it."""
        if record.marks is None or record.damaged:
            return []
        return self._relations.add_marks(record.marks)

    def complete(self, record: FileRecord, related: list[Finding]) -> FileReport:
        """The report of the next file.

        :param related: what :meth:`relate` gave for it.
        """
        findings = [*record.findings, *related]
        findings += new_leaks(findings, record.leaks)
        name = record.name
        if record.in_path:
            name = f"file #{record.number}"
            findings.append(rules.LEAK_PATH.at("path"))
        if self.limited and not self._files:
            findings.append(rules.LEAK_LIMIT.at("file"))
        self._files += 1
        if self._names.first(0, own_mark(name), self._files) != self._files:
            name = f"file #{record.number}"  # the same name below two of the folders
        return report_of(replace(record, name=name), tuple(findings))


def report_of(record: FileRecord, findings: tuple[Finding, ...]) -> FileReport:
    """The report of a file with these findings."""
    verdict = "error" if record.damaged else verdict_of(findings)
    return FileReport(record.name, record.source, verdict, findings, record.sha256, record.number)


class SetCheck:
    """Gathers the scans of a set's files, which come one by one and in order, and makes their reports.

    Nothing is searched for in the files; their paths are.

    :param profile: that the files were scanned with; the Basic Profile if None.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or basic_profile()
        self._leaks = LeakSearch()
        self._whole = WholeSet()
        self._files: list[tuple[FileRecord, list[Finding]]] = []

    def add(self, scan: Scan, *, source: SourceFile, number: int) -> FileReport:
        """Take the scan of the next file; for the parameters see :func:`record_of`.

        :returns: its report so far, without what only the whole set tells.
        """
        record = record_of(scan, "", source, number)
        related = self._whole.relate(record)
        for kind, value in sorted(scan.undisguised):
            self._leaks.add(kind, value)
        self._files.append((record, related))
        return report_of(record, (*record.findings, *related))

    def reports(self) -> tuple[FileReport, ...]:
        """The reports of all files, in order; call it once all are added."""
        self._whole.limited = self._leaks.limited
        return tuple(
            self._whole.complete(
                replace(record, in_path=self._leaks.in_path(record.source.relative)), related
            )
            for record, related in self._files
        )
