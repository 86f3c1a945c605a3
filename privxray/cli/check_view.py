"""What ``privxray check`` prints: a table of findings, and what was searched for in the pixels.

Tested in tests/unit/test_deid_check.py.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from privxray.cli.output import counted, table, tell
from privxray.deid.findings.rules import RULES

if TYPE_CHECKING:
    from privxray.deid.findings.report import FileReport, Finding, Report
    from privxray.workflow.images.search_pixels import SearchedPixels

_ROWS_SHOWN = 60
_PLACES_SHOWN = 3
_NARROW = 100

_Row: TypeAlias = tuple[str, str, str, str, str]
"""File, severity, where, rule, reason."""


def show_findings(report: Report) -> None:
    """Print the findings as a table, and how many there are."""
    rows = _merged([*_error_rows(report.files), *_notice_rows(report.files)])
    listed = rows[:_ROWS_SHOWN]
    if listed and _is_narrow():
        table(
            "Findings",
            ("where", "what"),
            (
                (f"{file}\n{where}", f"{severity} {rule}\n{reason}")
                for file, severity, where, rule, reason in listed
            ),
        )
    elif listed:
        table("Findings", ("file", "severity", "where", "rule", "reason"), listed)
    if len(rows) > len(listed):
        tell(f"{counted(len(rows) - len(listed), 'more row')} not shown; --json lists everything.")
    severities = Counter(finding.severity for file in report.files for finding in file.findings)
    found = ", ".join(counted(number, kind) for kind, number in sorted(severities.items())) or "no finding"
    passed_over = f", {report.skipped} passed over as no images" if report.skipped else ""
    tell(f"{counted(len(report.files), 'file')} checked{passed_over}: {found}.")
    tell(f"Judged by {report.profile}.")


def show_pixels(report: Report, found: Mapping[int, SearchedPixels] | None, *, show_text: bool) -> None:
    """Print how many files' pixels were searched, and what was read in them where that was typed."""
    if found is None:
        tell("Only the metadata was checked; the pixels were not searched for text.")
        return
    from privxray.workflow.images.search_pixels import texts, without_text

    if show_text:
        rows = list(texts(found, report.files))
        if rows:
            table("Text in the pixels (may name patients)", ("file", "where", "text"), rows)
    tell(
        f"The pixels of {len(found)} of {counted(len(report.files), 'file')} were searched. No text was "
        f"found in {without_text(found)}; that is no proof that there is none."
    )


def pixels_to_json(
    report: Report, found: Mapping[int, SearchedPixels] | None, *, show_text: bool
) -> dict[str, Any]:
    """What ``--json`` says of the pixels."""
    if found is None:
        return {"pixels": None}
    from privxray.workflow.images.search_pixels import without_text

    boxes = [
        {
            "file": report.files[place].name,
            "frame": box.frame,
            "x": box.x,
            "y": box.y,
            "width": box.width,
            "height": box.height,
            "confidence": box.confidence,
            "severity": box.severity,
        }
        | ({"text": box.text} if show_text else {})
        for place, one in found.items()
        for box in one.boxes
    ]
    return {"pixels": {"searched": len(found), "no_text_found": without_text(found), "boxes": boxes}}


def _merged(rows: Iterable[_Row]) -> list[_Row]:
    """Rows that differ in the file only become one: exports of one device fail alike."""
    files: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for file, *rest in rows:
        severity, where, rule, reason = rest
        files[severity, where, rule, reason].append(file)
    return [(_and_more(names), *rest) for rest, names in files.items()]


def _error_rows(files: Iterable[FileReport]) -> Iterator[_Row]:
    """A row for each finding, or one for each file and rule where there are many."""
    for file in files:
        for rule, findings in _by_rule(file.findings, "error").items():
            if len(findings) <= _PLACES_SHOWN:
                for finding in findings:
                    yield file.name, "error", finding.where, rule, finding.reason
            else:
                yield file.name, "error", _places(findings), rule, RULES[rule].says


def _notice_rows(files: Iterable[FileReport]) -> Iterator[_Row]:
    """A row for each rule, over all files: notices are much the same in each file of a series."""
    found: dict[str, list[Finding]] = defaultdict(list)
    names: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for rule, findings in _by_rule(file.findings, "notice").items():
            found[rule].extend(findings)
            names[rule].append(file.name)
    for rule, findings in found.items():
        yield _and_more(names[rule]), "notice", _places(findings), rule, RULES[rule].says


def _by_rule(findings: Iterable[Finding], severity: str) -> dict[str, list[Finding]]:
    chosen: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.severity == severity:
            chosen[finding.rule].append(finding)
    return chosen


def _places(findings: Iterable[Finding]) -> str:
    return _and_more(list(dict.fromkeys(finding.where for finding in findings)))


def _and_more(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _is_narrow() -> bool:
    """Whether five columns would not fit; a pipe counts as 80 columns wide."""
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns < _NARROW
