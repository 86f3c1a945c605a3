"""What ``privxray check`` prints: findings by what to do about them, and what was searched for in the pixels.

Tested in tests/unit/test_deid_check.py.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from privxray.cli.options.passed_over import medium_lines
from privxray.cli.output import counted, line, table, tell
from privxray.deid.findings.remedies import Remedy
from privxray.deid.findings.rules import RULES

if TYPE_CHECKING:
    from privxray.deid.findings.report import FileReport, Finding, Report
    from privxray.workflow.images.compare_copies import Comparison
    from privxray.workflow.images.search_pixels import SearchedPixels

_ROWS_SHOWN = 60
_PLACES_SHOWN = 3
_NARROW = 100

_ORDER = {remedy: place for place, remedy in enumerate(Remedy)}

_Row: TypeAlias = tuple[str, str, str, str, str]
"""File, severity, where, rule, reason."""


def show_findings(report: Report) -> None:
    """Print the findings in groups, by what is to be done about them, and how many there are."""
    rows = _merged([*_error_rows(report.files), *_notice_rows(report.files)])
    rows.sort(key=lambda row: _ORDER[RULES[row[3]].do])
    listed = rows[:_ROWS_SHOWN]
    for remedy, group in groupby(listed, key=lambda row: RULES[row[3]].do):
        _show_group(remedy, list(group))
    if len(rows) > len(listed):
        tell(f"{counted(len(rows) - len(listed), 'more row')} not shown; --json lists everything.")
    severities = Counter(finding.severity for file in report.files for finding in file.findings)
    found = ", ".join(counted(number, kind) for kind, number in sorted(severities.items())) or "no finding"
    passed_over = f", {report.skipped} passed over as no images" if report.skipped else ""
    tell(f"{counted(len(report.files), 'file')} checked{passed_over}: {found}.")
    for told in medium_lines(report.indexes, report.missing, "was not checked"):
        tell(told)
    tell(f"Judged by {report.profile}.")


def _show_group(remedy: Remedy, rows: Sequence[_Row]) -> None:
    """Print the findings about which the same is to be done, under what that is."""
    line(f"{remedy.heading}.")
    if _is_narrow():
        table(
            remedy.how,
            ("where", "what"),
            (
                (f"{file}\n{where}", f"{severity} {rule}\n{reason}")
                for file, severity, where, rule, reason in rows
            ),
        )
    else:
        table(remedy.how, ("file", "severity", "where", "rule", "reason"), rows)


def show_comparison(compared: Comparison) -> None:
    """Print what came of comparing with the originals."""
    table("Compared with the originals", ("what", "files"), compared.rows())
    if compared.unmatched:
        tell("Copies without an original were searched for the names and long numbers of all originals only.")


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
    searched = f"The pixels of {len(found)} of {counted(len(report.files), 'file')} were searched."
    clear = without_text(found)
    if clear:
        tell(f"{searched} No text was found in {clear}; that is no proof that there is none.")
    else:
        tell(
            f"{searched} Each has text or markers, or could not be searched to the end."
            if found
            else searched
        )


class _Names:
    """Names of which the first and the number are shown."""

    def __init__(self) -> None:
        self.first = ""
        self.count = 0

    def add(self, name: str) -> None:
        self.first = self.first or name
        self.count += 1

    def __str__(self) -> str:
        return f"{self.first} and {self.count - 1} more" if self.count > 1 else self.first


def _merged(rows: Iterable[_Row]) -> list[_Row]:
    """Rows that differ in the file only become one: exports of one device fail alike."""
    files: dict[tuple[str, str, str, str], _Names] = defaultdict(_Names)
    for file, *rest in rows:
        severity, where, rule, reason = rest
        files[severity, where, rule, reason].add(file)
    return [(str(names), *rest) for rest, names in files.items()]


def _error_rows(files: Iterable[FileReport]) -> Iterator[_Row]:
    """A row for each finding, or one for each file and rule where there are many."""
    for file in files:
        for rule, findings in _by_rule(file.findings, "error").items():
            if len(findings) <= _PLACES_SHOWN:
                for finding in findings:
                    yield file.name, "error", finding.where, rule, finding.reason
            else:
                places = dict.fromkeys(finding.where for finding in findings)
                yield file.name, "error", _and_more(list(places)), rule, RULES[rule].says


def _notice_rows(files: Iterable[FileReport]) -> Iterator[_Row]:
    """A row for each rule, over all files: notices are much the same in each file of a series."""
    places: dict[str, dict[str, None]] = defaultdict(dict)
    names: dict[str, _Names] = defaultdict(_Names)
    for file in files:
        for rule, findings in _by_rule(file.findings, "notice").items():
            places[rule] |= dict.fromkeys(finding.where for finding in findings)
            names[rule].add(file.name)
    for rule, found in places.items():
        yield str(names[rule]), "notice", _and_more(list(found)), rule, RULES[rule].says


def _by_rule(findings: Iterable[Finding], severity: str) -> dict[str, list[Finding]]:
    chosen: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.severity == severity:
            chosen[finding.rule].append(finding)
    return chosen


def _and_more(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _is_narrow() -> bool:
    """Whether five columns would not fit; a pipe counts as 80 columns wide."""
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns < _NARROW
