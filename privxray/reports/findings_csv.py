"""Every finding of a check as a row of a csv (RFC 4180)."""

from __future__ import annotations

import csv
import io

from privxray.deid.findings.report import Report
from privxray.deid.findings.rules import RULES

COLUMNS = ("file", "verdict", "severity", "rule", "where", "reason", "source", "sha256")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def findings_csv(report: Report) -> bytes:
    """One row for each finding, or one with empty cells for a file without any; UTF-8 with CRLF.

    It begins with a byte order mark, by which spreadsheets know the encoding.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for file in report.files:
        if not file.findings:
            writer.writerow((_plain(file.name), file.verdict, "", "", "", "", "", file.sha256))
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
            writer.writerow(map(_plain, row))
    return out.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    """A cell that a spreadsheet takes for text, even where a file's name begins like a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
