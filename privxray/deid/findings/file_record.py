"""What is known of one file before anything is said of the set that it belongs to, as an object and as bytes.

A check of a set keeps one for each file until the last file is done. A check on several machines carries them
in files (:mod:`privxray.workflow.shards`). So both give the same report: it is made from the same records by
the same code (:class:`privxray.deid.judging.set_check.WholeSet`).

Tested in tests/unit/test_deid_file_records.py.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

from privxray.deid.findings.finding_table import FindingTable
from privxray.deid.findings.report import FileReport, Finding
from privxray.deid.sources.source_file import SourceFile
from privxray.workspace.spool import Spool

Marks: TypeAlias = tuple[int, ...]
"""Keyed digests of what relates a file to others: :func:`privxray.deid.judging.set_relations.marks_of`."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What was found in one file. Private: it has the real path.

    :ivar name: its public name, as far as the file alone tells. :ivar source: where it really is.
    :ivar damaged: it could not be read to its end.
    :ivar findings: of the scan of the file by itself.
    :ivar sha256: lower-case hex; empty if nobody asked for it, or if the file could not be read.
    :ivar number: its position, from 1, in the set.
    :ivar marks: what relates it to other files; None for a file that is not DICOM.
    :ivar leaks: where it repeats a value that identifies a patient of the set.
    :ivar in_path: its path holds such a value.
    :ivar pixels: what was found in its pixels, as JSON; None where they were not searched.
    """

    name: str
    source: SourceFile
    damaged: bool
    findings: tuple[Finding, ...]
    sha256: str
    number: int
    marks: Marks | None = None
    leaks: tuple[Finding, ...] = ()
    in_path: bool = False
    pixels: Any = None


def record_to_json(record: FileRecord, table: FindingTable) -> list[Any]:
    """A record as JSON."""
    return [
        record.name,
        record.source.to_json(),
        record.damaged,
        table.encode(record.findings),
        record.sha256,
        record.number,
        record.marks,
        table.encode(record.leaks),
        record.in_path,
        record.pixels,
    ]


def record_from_json(value: Sequence[Any], table: FindingTable) -> FileRecord:
    """The inverse of :func:`record_to_json`.

    :raises ValueError, IndexError, KeyError, TypeError: it is no such record.
    """
    name, source, damaged, findings, sha256, number, marks, leaks, in_path, pixels = value
    return FileRecord(
        name,
        SourceFile.from_json(source),
        damaged,
        table.decode(findings),
        sha256,
        number,
        None if marks is None else tuple(marks),
        table.decode(leaks),
        in_path,
        pixels,
    )


class RecordSpool:
    """The records of a set, on disk; see :class:`privxray.workspace.spool.Spool`."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._table = FindingTable()

    def __len__(self) -> int:
        return len(self._spool)

    def append(self, record: FileRecord) -> None:
        """Add the record of the next file."""
        self._spool.append(_bytes(record_to_json(record, self._table)))

    def __getitem__(self, place: int) -> FileRecord:
        return record_from_json(json.loads(self._spool[place]), self._table)

    def __iter__(self) -> Iterator[FileRecord]:
        return map(self.__getitem__, range(len(self)))


class SpooledReports(Sequence[FileReport]):
    """The reports of a set's files, on disk. They are added in order, and read as a tuple is."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._table = FindingTable()

    def __len__(self) -> int:
        return len(self._spool)

    def append(self, report: FileReport) -> None:
        """Add the report of the next file."""
        findings = self._table.encode(report.findings)
        value = [report.name, report.source.to_json(), report.verdict, findings, report.sha256, report.number]
        self._spool.append(_bytes(value))

    @overload
    def __getitem__(self, place: int) -> FileReport: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[FileReport, ...]: ...

    def __getitem__(self, place: int | slice) -> FileReport | tuple[FileReport, ...]:
        if isinstance(place, slice):
            return tuple(map(self.__getitem__, range(*place.indices(len(self)))))
        read = self._spool[place + len(self) if place < 0 else place]
        name, source, verdict, findings, sha256, number = json.loads(read)
        return FileReport(
            name, SourceFile.from_json(source), verdict, self._table.decode(findings), sha256, number
        )

    def __iter__(self) -> Iterator[FileReport]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))


def _bytes(value: list[Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
