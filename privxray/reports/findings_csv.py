"""Every finding of a check as a row of a csv (RFC 4180)."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from privxray.deid.findings.report import FileReport, Report
from privxray.deid.findings.rules import RULES

COLUMNS = ("file", "verdict", "severity", "rule", "where", "reason", "source", "sha256")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def findings_csv(report: Report) -> Iterator[bytes]:
    """One row for each finding, or one with empty cells for a file without any; UTF-8 with CRLF.

    It begins with a byte order mark, by which spreadsheets know the encoding.

    :returns: the csv in pieces, one for each file.
    """
    yield codecs.BOM_UTF8 + _csv([COLUMNS])
    for file in report.files:
        yield _csv(_rows(file))


def _rows(file: FileReport) -> Iterator[Sequence[str]]:
    if not file.findings:
        yield _plain(file.name), file.verdict, "", "", "", "", "", file.sha256
    for finding in file.findings:
        row = (
            file.name,
            file.verdict,
            finding.severity,
            finding.rule,
            finding.where,
            finding.reason,
            RULES[finding.rule].source,
            file.sha256,
        )
        yield tuple(map(_plain, row))


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _plain(cell: str) -> str:
    """A cell that a spreadsheet takes for text, even where a file's name begins like a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
