"""``privxray check`` says whether files are de-identified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.check_reports import CheckFiles
from privxray.cli.closing import close
from privxray.cli.options import Jobs, Json, Ocr
from privxray.cli.options.passed_over import ListPassedOver, medium_json, passed_over_json, show_passed_over
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.output import counted, progress
from privxray.deid.pixels.text import load_finder
from privxray.deid.workers.worker_pool import worker_count
from privxray.errors import FindingsError, UsageError


@takes_profile()
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATHS", help="DICOM, JPEG or PNG files, folders of them, DICOMDIR, zips."),
    ],
    profile: Typed,
    jobs: Jobs = None,
    ocr: Ocr = False,
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
    force: Annotated[
        bool, typer.Option("--force", help="Replace the files of --report and --csv where they exist.")
    ] = False,
    listed: ListPassedOver = False,
    as_json: Json = False,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object a line: each file's, then the set's.")
    ] = False,
) -> None:
    """Check that images are de-identified (DICOM PS3.15 Annex E). Nothing is changed."""
    from privxray.deid.judging.check import check_paths

    if as_json and as_lines:
        raise UsageError(
            "--json and --jsonl are two ways to print the same",
            reason="check.json-and-jsonl",
            advice="Type one of them",
        )
    if show_text and not ocr:
        raise UsageError(
            "--show-text has nothing to show without --ocr",
            reason="check.show-text-without-ocr",
            advice="Type both, or neither",
        )
    files = CheckFiles(report_to, csv_to, force)
    files.require_free()
    find_text = load_finder() if ocr else None
    chosen = profile.load()
    with progress("Checking") as bar:
        report = check_paths(
            paths, profile=chosen, jobs=worker_count(jobs), digests=bool(files), progress=bar
        )
    found = None
    if find_text is not None:
        from privxray.workflow.images.search_pixels import search_report

        with progress("Searching pixels") as bar:
            report, found = search_report(report, find_text, progress=bar)
    files.write(report, found)
    if as_json or as_lines:
        from privxray.cli.check_json import print_lines, print_object

        more = passed_over_json(paths, listed=listed) | medium_json(report.indexes, report.missing)
        (print_lines if as_lines else print_object)(report, found, more, show_text=show_text)
    else:
        from privxray.cli.check_view import show_findings, show_pixels

        show_findings(report)
        show_pixels(report, found, show_text=show_text)
        show_passed_over(paths, listed=listed)
    failed = sum(file.verdict != "pass" for file in report.files)
    if failed:
        raise FindingsError(
            f"{failed} of {counted(len(report.files), 'file')} did not pass the check",
            reason="check.findings",
            advice="In a hospital's workspace, privxray deidentify SOURCE DEST makes copies that pass. Or "
            "mend the files with a tool of your own, and check again",
        )
    if not as_json and not as_lines:
        close("check --ocr" if ocr else "check")
