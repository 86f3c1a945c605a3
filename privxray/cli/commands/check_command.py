"""``privxray check``: are these files de-identified?"""

from __future__ import annotations

import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from privxray.cli.closing import close
from privxray.cli.options import Jobs
from privxray.cli.output import emit, progress, table, tell
from privxray.cli.profile_options import Typed, takes_profile
from privxray.deid.findings.rules import RULES
from privxray.deid.workers.worker_pool import worker_count
from privxray.errors import FindingsError

if TYPE_CHECKING:
    from privxray.deid.findings.report import FileReport, Finding, Report

_ROWS_SHOWN = 60
_PLACES_SHOWN = 3
_NARROW = 100

_Row: TypeAlias = tuple[str, str, str, str, str]
"""File, severity, where, rule, reason."""


@takes_profile()
def check(
    paths: Annotated[
        list[Path], typer.Argument(help="DICOM, JPEG or PNG files, or folders of them.", show_default=False)
    ],
    profile: Typed,
    jobs: Jobs = None,
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Search the pixels for text as well (needs privxray[ocr]).")
    ] = False,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Print what was read in the pixels; needs --ocr.")
    ] = False,
    report_to: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write a page to print and sign.", show_default=False),
    ] = None,
    csv_to: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write every finding as a csv.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace such a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Check that images are de-identified (DICOM PS3.15 Annex E). Nothing is changed."""
    from privxray.cli import pixel_options
    from privxray.deid.judging.check import check_paths

    finder = pixel_options.ready(ocr, show_text, {"--report": report_to, "--csv": csv_to}, force)

    chosen = profile.load()
    with progress("Checking") as bar:
        written = bool(report_to or csv_to)
        report = check_paths(paths, profile=chosen, jobs=worker_count(jobs), digests=written, progress=bar)
    report, found = pixel_options.searched(report, finder)
    pixel_options.write(report, found, report_to, csv_to, force=force)
    failed = [file for file in report.files if file.verdict != "pass"]
    if as_json:
        emit(report.to_json() | pixel_options.to_json(report, found, show_text))
    else:
        _show(report)
        pixel_options.show(report, found, show_text)
    if failed:
        raise FindingsError(
            f"{len(failed)} of {_count(len(report.files), 'file')} not shown to be de-identified",
            advice="Make copies without the errors (privxray deidentify SOURCE DEST in a hospital's "
            "workspace), or mend them with a tool of yours; then check again",
        )
    if not as_json:
        close("check --ocr" if ocr else "check")


def _show(report: Report) -> None:
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
        tell(f"{_count(len(rows) - len(listed), 'more row')} not listed; --json lists everything.")
    severities = Counter(finding.severity for file in report.files for finding in file.findings)
    found = ", ".join(_count(number, kind) for kind, number in sorted(severities.items())) or "no finding"
    passed_over = f", {report.skipped} passed over as no images" if report.skipped else ""
    tell(f"{_count(len(report.files), 'file')} checked{passed_over}: {found}.")
    tell(f"Judged by {report.profile}.")


def _merged(rows: Iterable[_Row]) -> list[_Row]:
    """Rows that differ in the file only become one: exports of one device fail alike."""
    files: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for file, *rest in rows:
        severity, where, rule, reason = rest
        files[severity, where, rule, reason].append(file)
    return [(_and_more(names), *rest) for rest, names in files.items()]


def _error_rows(files: Iterable[FileReport]) -> Iterator[_Row]:
    """A row a finding, or one a file and rule where there are many."""
    for file in files:
        for rule, findings in _by_rule(file.findings, "error").items():
            if len(findings) <= _PLACES_SHOWN:
                for finding in findings:
                    yield file.name, "error", finding.where, rule, finding.reason
            else:
                yield file.name, "error", _places(findings), rule, RULES[rule].says


def _notice_rows(files: Iterable[FileReport]) -> Iterator[_Row]:
    """A row a rule over all files: notices are much the same in each file of a series."""
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is_narrow() -> bool:
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns < _NARROW
