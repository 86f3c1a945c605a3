"""Records of files and tables of findings: what goes in comes out, and a full table still works."""

from __future__ import annotations

from pathlib import Path

import pytest

from privxray.deid.findings import finding_table, rules
from privxray.deid.findings.file_record import (
    FileRecord,
    RecordSpool,
    SpooledReports,
    record_from_json,
    record_to_json,
)
from privxray.deid.findings.finding_table import FindingTable
from privxray.deid.findings.report import FileReport
from privxray.deid.sources.source_file import SourceFile

SCANNED = (rules.REMOVE.at("(0010,0010)"), rules.UNREADABLE.because("cut off"))
RECORD = FileRecord(
    "im1.dcm",
    SourceFile.on_disk(Path("/data/M\udcfcller/im1.dcm")),
    True,
    SCANNED,
    "ab" * 32,
    7,
    marks=(1, -5, 0),
    leaks=(rules.LEAK.at("(0018,0010)"),),
    in_path=True,
    pixels=[[], 1, ""],
)


@pytest.mark.parametrize("most", [1 << 16, 2, 0])
def test_records_come_back(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding_table, "MOST", most)
    plain = FileRecord("a", SourceFile.on_disk(Path("a")), False, SCANNED[:1], "", 8)
    spool = RecordSpool()
    for record in (RECORD, plain, RECORD):
        spool.append(record)
    assert list(spool) == [RECORD, plain, RECORD]
    assert len(spool) == 3


@pytest.mark.parametrize("most", [1 << 16, 2])
def test_another_table_reads_what_it_has_learned(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding_table, "MOST", most)
    writer, reader = FindingTable(), FindingTable()
    value = record_to_json(RECORD, writer)
    with pytest.raises(IndexError):
        record_from_json(value, reader)
    reader.learn(writer.untold())
    assert record_from_json(value, reader) == RECORD
    assert writer.untold() == []


def test_reports_are_read_as_a_tuple_is() -> None:
    reports = SpooledReports()
    made = [
        FileReport(f"f{n}", SourceFile.on_disk(Path(f"f{n}")), "fail", SCANNED[:1], "", n) for n in range(5)
    ]
    for report in made:
        reports.append(report)
    assert list(reports) == made
    assert reports[-1] == made[-1]
    assert reports[1:3] == tuple(made[1:3])
    assert made[2] in reports
    assert reports == tuple(made)
    assert reports != tuple(made[:4])
    assert hash(reports) == hash(tuple(made))
    with pytest.raises(IndexError):
        reports[5]
