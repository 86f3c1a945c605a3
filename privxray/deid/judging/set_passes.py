"""The two passes over the files of a set: the scan of each by itself, and the search for the set's values.

Both can run in worker processes (:mod:`privxray.deid.judging.check_worker`). What they find comes in the
order of the files, whichever worker is done first. Tested in
tests/unit/test_deid_set.py and test_deid_pool.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar

from privxray.deid.findings import rules
from privxray.deid.findings.file_record import FileRecord, RecordSpool
from privxray.deid.findings.report import Finding
from privxray.deid.judging.check_worker import findings_from, scan_from
from privxray.deid.judging.file_scan import scan_file, search_file
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import IdentifyingValue, Scan
from privxray.deid.judging.set_check import record_of
from privxray.deid.judging.set_relations import Mark, own_mark
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_to_json
from privxray.deid.sources.packed_files import NumberedFile
from privxray.deid.workers.worker_pool import Pool

T = TypeVar("T")

FEW: Final = 24
"""Up to this many files are checked in this process: workers would take longer to start."""

LARGE: Final = 64 << 20
"""A worker reads a file of more bytes, however few there are: it maps the file, so that memory stays flat."""

PATIENCE: Final = 600.0
"""Seconds without an outcome after which a worker counts as stuck."""

_WORKER: Final = "privxray.deid.judging.check_worker"

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many files are done and how many there are to do."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How files are scanned.

    :ivar digests: compute each file's SHA-256, for which all of it must be read.
    :ivar jobs: how many worker processes; with 1 this process does the work.
    :ivar mark: makes digests of what relates a file to others.
    """

    profile: Profile
    digests: bool
    jobs: int = 1
    mark: Mark = own_mark


class FilesOfSet:
    """The files of a set, or some of them. It is a context manager; at its end the workers are gone.

    :param progress: called after each file; if files are searched a second time, that counts as well.
    """

    def __init__(
        self, files: Sequence[NumberedFile], settings: ScanSettings, progress: Progress | None = None
    ) -> None:
        self._files = files
        self._settings = settings
        self._progress = progress
        self._done = 0
        self._dicom = 0
        many = (settings.jobs > 1 and len(files) > FEW) or any(map(_is_large, files))
        setup = {"profile": profile_to_json(settings.profile)}
        self._pool = Pool(settings.jobs, _WORKER, setup, patience=PATIENCE) if many else None

    def __enter__(self) -> FilesOfSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.__exit__(kind, value, trace)

    def scan(self) -> Iterator[tuple[FileRecord, set[IdentifyingValue]]]:
        """Each file's record, and the values that identify a patient and stand in it without disguise."""
        for index, (scan, digest) in in_order(self._counted(self._scans(), len(self._files))):
            place, source = self._files[index]
            record = record_of(scan, digest, source, place + 1, self._settings.mark)
            self._dicom += record.marks is not None
            yield record, scan.undisguised

    def search(self, scanned: RecordSpool, leaks: LeakSearch) -> Iterator[FileRecord]:
        """The records with what the search for values adds; as they are if there is nothing to search for.

        :param scanned: what :meth:`scan` gave, all of it.
        """
        if not leaks:
            yield from scanned
            return
        found = in_order(self._counted(self._searches(scanned, leaks), len(self._files) + self._dicom))
        for record in scanned:
            places = () if record.marks is None else tuple(next(found)[1])
            yield replace(record, leaks=places, in_path=leaks.in_path(record.source.relative))

    def _counted(self, outcomes: Iterable[T], total: int) -> Iterator[T]:
        for outcome in outcomes:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, total)
            yield outcome

    def _scans(self) -> Iterator[tuple[int, tuple[Scan, str]]]:
        digests = self._settings.digests
        if self._pool is None:
            for index, (_, source) in enumerate(self._files):
                yield index, scan_file(source, self._settings.profile, digest=digests, mapped=False)
            return
        tasks = (
            (index, {"do": "scan", "file": source.to_json(), "digest": digests})
            for index, (_, source) in enumerate(self._files)
        )
        for index, outcome in self._pool.run(tasks):
            if isinstance(outcome, str):
                yield index, (Scan(damage=outcome), "")
            else:
                yield index, (scan_from(outcome), outcome["sha256"])

    def _searches(self, scanned: RecordSpool, leaks: LeakSearch) -> Iterator[tuple[int, list[Finding]]]:
        """The findings of each DICOM file, by its position among those."""
        sources = (record.source for record in scanned if record.marks is not None)
        if self._pool is None:
            for index, source in enumerate(sources):
                yield index, search_file(source, leaks, mapped=False)
            return
        self._pool.tell({"leaks": leaks.to_json()})
        tasks: Iterable[tuple[int, dict[str, Any]]] = (
            (index, {"do": "search", "file": source.to_json()}) for index, source in enumerate(sources)
        )
        for index, outcome in self._pool.run(tasks):
            if isinstance(outcome, str):
                yield index, [rules.UNREADABLE.because(outcome)]
            else:
                yield index, findings_from(outcome)


def _is_large(file: NumberedFile) -> bool:
    """Whether a file is better mapped than read, which only a worker may do."""
    source = file[1]
    try:
        return not source.inside and source.path.stat().st_size > LARGE
    except OSError:
        return False


def in_order(outcomes: Iterable[tuple[int, T]]) -> Iterator[tuple[int, T]]:
    """Outcomes by their numbers, from 0 and without a gap. One that comes early waits for those before it."""
    early: dict[int, T] = {}
    turn = 0
    for number, outcome in outcomes:
        early[number] = outcome
        while turn in early:
            yield turn, early.pop(turn)
            turn += 1
