"""The group ``report``: pages for people. Tested in tests/cli/test_report.py."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, Study
from privxray.cli.output import emit, progress, tell
from privxray.cli.written_reports import report_line


def add_to(app: typer.Typer) -> None:
    """Register the pages as one group."""
    group = typer.Typer(
        name="report",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Pages to look at: of a hospital's training.",
    )
    group.command()(training)
    app.add_typer(group)


def training(
    study: Study = None,
    split: Annotated[
        Literal["val", "test"], typer.Option("--split", help="The held-out patients to show the model on.")
    ] = "val",
    as_json: Json = False,
) -> None:
    """Write a page on this hospital's training. It stays inside.

    It shows the data set, the newest global model on your own held-out patients with radiographs to look at,
    and the privacy budget. train and accept write it too. For example: privxray report training --split test
    """
    from privxray.workflow.hospital.reporting.training_report import write_training_report

    workspace = current_workspace()
    with progress("Computing features") as bar:
        done = write_training_report(workspace, study=study, split=split, progress=bar)
    if as_json:
        emit(
            {"report": seen_from_here(done.path), "study": done.study, "not_scored": done.not_scored or None}
        )
    if done.not_scored:
        tell(f"No model is shown: {done.not_scored}.")
    tell(report_line(done.path))
    close("report training", workspace, study=done.study)
