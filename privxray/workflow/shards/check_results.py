"""The second array of a check: what was found in each shard's files, and the report that is made of it.

A part has the same records that a check in one run keeps of its files. The merge reads them in the order of
all files, and makes the report by the same code. Tested in tests/unit/test_shards.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from privxray.deid.findings.file_record import (
    FileRecord,
    RecordSpool,
    SpooledReports,
    record_from_json,
    record_to_json,
)
from privxray.deid.findings.finding_table import FindingTable
from privxray.deid.findings.report import Report
from privxray.deid.judging.check import files_to_check
from privxray.deid.judging.set_check import WholeSet, report_of
from privxray.deid.judging.set_passes import FilesOfSet, Progress, ScanSettings
from privxray.deid.judging.set_relations import keyed_mark
from privxray.deid.pixels.text.text_box import FindText
from privxray.deid.profile.profile import Profile
from privxray.workflow.images.search_pixels import SearchedFiles, SearchedPixels, search_file, with_findings
from privxray.workflow.shards.check_terms import profile_digest, read_terms
from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.part_file import Part, is_there, write_part
from privxray.workflow.shards.part_set import read_parts
from privxray.workflow.shards.shard_files import ShardFiles
from privxray.workflow.shards.shard_work import ShardDone, ShardWork


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How files are checked.

    :ivar find_text: looks for text in the pixels; None to leave them alone.
    """

    profile: Profile
    find_text: FindText | None = None


def check_shard(
    paths: Sequence[Path],
    terms: Path,
    options: CheckOptions,
    work: ShardWork,
    progress: Progress | None = None,
) -> ShardDone:
    """Check a shard's files, and write what was found.

    :param terms: the values of the whole set, as ``check terms --merge`` wrote them.
    :raises UsageError: there is nothing to check.
    :raises RefusedError: the values are of something else; or another file is there.
    """
    key, profile = work.key, options.profile
    files = ShardFiles(files_to_check(paths), work.shard, key)
    found = read_terms(terms, key, files.header("terms", profile_digest(key, profile)))
    searched = options.find_text is not None
    digest = profile_digest(key, profile, "--ocr" if searched else "")
    header = files.header("result", digest, found.digest)
    done = ShardDone(len(files.own), header.files, not work.force and is_there(work.out, header, key))
    if not done.before:
        settings = ScanSettings(profile, True, work.jobs, keyed_mark(key.derived("marks")))
        head = {
            "profile": profile.summary,
            "limited": found.limited,
            "ocr": searched,
            "indexes": files.selection.indexes,
            "missing": files.selection.missing,
        }
        with FilesOfSet(files.own, settings, progress) as checked:
            scanned = RecordSpool()
            for record, _ in checked.scan():
                scanned.append(record)
            records = _with_pixels(checked.search(scanned, found.leaks), options.find_text)
            write_part(work.out, header, key, _lines(head, records), force=work.force)
    return done


def _with_pixels(records: Iterator[FileRecord], find_text: FindText | None) -> Iterator[FileRecord]:
    for record in records:
        if find_text is None or record.damaged:
            yield record
        else:
            found = search_file(report_of(record, record.findings), find_text).without_texts()
            yield replace(record, pixels=found.to_json())


def _lines(head: dict[str, Any], records: Iterator[FileRecord]) -> Iterator[Any]:
    """First what holds for all, then a line for each file, with the findings that it is the first to have."""
    table = FindingTable()
    yield head
    for record in records:
        value = record_to_json(record, table)
        yield [table.untold(), value]


def merge_results(
    paths: Sequence[Path], key: JobKey, progress: Progress | None = None
) -> tuple[Report, Mapping[int, SearchedPixels] | None]:
    """The report of the whole set, and what was found in the pixels where they were searched.

    :raises UsageError: a part is missing. :raises RefusedError: a part is doubled or foreign.
    """
    parts = read_parts(paths, "result", key)
    shards = [_ShardRecords(part) for part in parts]
    head, header = shards[0].head, parts[0].header
    whole = WholeSet(limited=head["limited"])
    reports, searched = SpooledReports(), SearchedFiles()
    for place in range(header.files):
        record = shards[place % header.shards].next()
        file = whole.report(record)
        if record.pixels is not None:
            found = SearchedPixels.from_json(record.pixels)
            searched.add(place, found)
            file = with_findings(file, found)
        reports.append(file)
        if progress is not None:
            progress(place + 1, header.files)
    report = Report(reports, header.skipped, head["profile"], head["indexes"], tuple(head["missing"]))
    return report, searched if head["ocr"] else None


class _ShardRecords:
    """The records of one part, one after the other."""

    def __init__(self, part: Part) -> None:
        self._lines = part.lines()
        self._table = FindingTable()
        self.head: dict[str, Any] = next(self._lines)

    def next(self) -> FileRecord:
        new, value = next(self._lines)
        self._table.learn(new)
        return record_from_json(value, self._table)
