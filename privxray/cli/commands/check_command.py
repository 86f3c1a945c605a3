"""``privxray check`` says whether files are de-identified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.check_reports import CheckFiles
from privxray.cli.closing import close
from privxray.cli.options import Jobs, Json, Ocr
from privxray.cli.options.against_options import Against
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.option_group import takes
from privxray.cli.options.passed_over import ListPassedOver, medium_json, passed_over_json, show_passed_over
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.options.shard_options import SharingWithTerms, merge_has_own_options, show_shard
from privxray.cli.output import counted
from privxray.deid.pixels.text import load_finder
from privxray.deid.workers.worker_pool import worker_count
from privxray.errors import FindingsError, UsageError
from privxray.steps import step

if TYPE_CHECKING:
    from privxray.deid.findings.report import Report
    from privxray.workflow.images.compare_copies import Comparison
    from privxray.workflow.images.search_pixels import SearchedPixels
    from privxray.workflow.shards.shard_work import ShardWork


@takes_profile()
@takes("sharing", SharingWithTerms)
@takes("against", Against)
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATHS",
            help="DICOM, JPEG or PNG files, folders of them, DICOMDIR, zips; with --merge parts.",
        ),
    ],
    profile: Typed,
    sharing: SharingWithTerms,
    against: Against,
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
        bool, typer.Option("--force", help="Replace the files of --report, --csv and --out where they exist.")
    ] = False,
    listed: ListPassedOver = False,
    as_json: Json = False,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object a line: each file's, then the set's.")
    ] = False,
) -> None:
    """Check that images are de-identified (DICOM PS3.15 Annex E). Nothing is changed."""
    _expect_sense(as_json=as_json, as_lines=as_lines, show_text=show_text, ocr=ocr)
    against.expect_whole(alone=not sharing)
    files = CheckFiles(report_to, csv_to, force)
    files.require_free()
    if sharing:
        sharing.expect_whole(out_of_merge=False)
        _expect_half(
            sharing,
            of_shard=bool(profile) or ocr or jobs is not None,
            of_report=bool(files) or as_lines,
            of_neither=listed or show_text,
        )
    if sharing.shard is not None:
        _check_shard(paths, profile, sharing.work(worker_count(jobs), force=force), sharing, ocr, as_json)
        return
    shown = _Shown(as_json, as_lines, show_text, listed)
    if sharing.merge:
        from privxray.workflow.shards.check_results import merge_results

        with step("Merging") as bar:
            report, found = merge_results(expand(paths), sharing.key(), bar)
        files.write(report, found)
        _show(report, found, [], shown)
        return
    from privxray.deid.judging.check import check_paths

    find_text = load_finder() if ocr else None
    chosen = profile.load()
    with step("Checking") as bar:
        report = check_paths(
            paths, profile=chosen, jobs=worker_count(jobs), digests=bool(files), progress=bar
        )
    found = None
    if find_text is not None:
        from privxray.workflow.images.search_pixels import search_report

        with step("Searching pixels") as bar:
            report, found = search_report(report, find_text, progress=bar)
    report, compared = against.compared(report, chosen)
    files.write(report, found, compared)
    _show(report, found, paths, shown, compared)


@dataclass(frozen=True)
class _Shown:
    """How a report is printed."""

    as_json: bool
    as_lines: bool
    show_text: bool
    listed: bool


def _show(
    report: Report,
    found: Mapping[int, SearchedPixels] | None,
    paths: Sequence[Path],
    shown: _Shown,
    compared: Comparison | None = None,
) -> None:
    """Print a report, and end as its verdict says.

    :raises FindingsError: a file did not pass.
    """
    if shown.as_json or shown.as_lines:
        from privxray.cli.check_json import print_lines, print_object

        more = passed_over_json(paths, listed=shown.listed) | medium_json(report.indexes, report.missing)
        more |= {} if compared is None else {"against": compared.to_json()}
        (print_lines if shown.as_lines else print_object)(report, found, more, show_text=shown.show_text)
    else:
        from privxray.cli.check_view import show_comparison, show_findings, show_pixels

        show_findings(report)
        show_pixels(report, found, show_text=shown.show_text)
        if compared is not None:
            show_comparison(compared)
        show_passed_over(paths, listed=shown.listed)
    failed = sum(file.verdict != "pass" for file in report.files)
    if failed:
        raise FindingsError(
            f"{failed} of {counted(len(report.files), 'file')} did not pass the check",
            reason="check.findings",
            advice="In a hospital's workspace, privxray deidentify SOURCE DEST makes copies that pass. Or "
            "mend the files with a tool of your own, and check again",
        )
    if not shown.as_json and not shown.as_lines:
        close("check" if found is None else "check --ocr")


def _check_shard(
    paths: Sequence[Path],
    profile: Typed,
    work: ShardWork,
    sharing: SharingWithTerms,
    ocr: bool,
    as_json: bool,
) -> None:
    from privxray.workflow.shards.check_results import CheckOptions, check_shard

    assert sharing.terms is not None  # expect_whole
    options = CheckOptions(profile.load(), load_finder() if ocr else None)
    with step("Checking") as bar:
        done = check_shard(paths, sharing.terms, options, work, bar)
    show_shard(done, str(work.shard), as_json=as_json)
    if not as_json:
        close("check --shard")


def _expect_sense(*, as_json: bool, as_lines: bool, show_text: bool, ocr: bool) -> None:
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


def _expect_half(sharing: SharingWithTerms, *, of_shard: bool, of_report: bool, of_neither: bool) -> None:
    """Whether the options belong to this half of the work: a share of it, or the report.

    :param of_shard: options were typed by which files are checked. :param of_report: by which is reported.
    :param of_neither: options that are for a check in one run alone.
    :raises UsageError: they don't.
    """
    if of_neither:
        raise UsageError(
            "--list and --show-text are for a check on one machine",
            reason="shard.one-machine",
            advice="Leave them out",
        )
    if sharing.merge and of_shard:
        raise merge_has_own_options()
    if sharing.shard is not None and of_report:
        raise UsageError(
            "--report, --csv and --jsonl belong to --merge, for a shard knows its own files alone",
            reason="shard.report-of-shard",
            advice="Type them with: privxray check --merge",
        )
