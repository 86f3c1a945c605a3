"""The group ``report``: pages for people. Tested in tests/cli/test_report.py."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, Study
from privxray.cli.output import emit, tell
from privxray.cli.written_reports import report_line
from privxray.steps import step


def add_to(app: typer.Typer) -> None:
    """Register the pages as one group."""
    group = typer.Typer(
        name="report",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Pages of a training, a study or its privacy.",
    )
    group.command()(training)
    group.command()(study)
    group.command()(privacy)
    app.add_typer(group)


def training(
    which: Study = None,
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
    with step("Computing features") as bar:
        done = write_training_report(workspace, study=which, split=split, progress=bar)
    if as_json:
        emit(
            {"report": seen_from_here(done.path), "study": done.study, "not_scored": done.not_scored or None}
        )
    if done.not_scored:
        tell(f"No model is shown: {done.not_scored}.")
    tell(report_line(done.path))
    close("report training", workspace, study=done.study)


def study(
    licence: Annotated[
        str, typer.Option("--licence", help="The model's licence, for its card, such as CC-BY-4.0.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write a page on the study and the model card. They may be passed on.

    They say who takes part and who delivered when, the key words, the plans and models, epsilon and delta,
    and what each party could see. Nothing of a patient is in them. For example: privxray report study
    """
    from privxray.workflow.coordinator.reporting.study_report import write_study_report

    workspace = current_workspace()
    done = write_study_report(workspace, licence=licence)
    files = [seen_from_here(path) for path in (done.page, done.card, done.card_page) if path is not None]
    if as_json:
        names = dict.fromkeys(("report", "model_card", "model_card_page"))
        emit({**names, **dict(zip(names, files, strict=False))})
    tell(f"Written: {', '.join(files)}. Nothing of a patient is in them, and they may be passed on.")
    if done.card is None:
        tell("There is no model yet, so there is no model card.")
    close("report study", workspace)


def privacy(which: Study = None, as_json: Json = False) -> None:
    """Write the statement on privacy for an impact assessment.

    It is written in English and in German, for the data protection officer: what happens to the data, what
    left this hospital, what a patient is promised and what not. For example: privxray report privacy
    """
    from privxray.workflow.hospital.reporting.privacy_report import write_privacy_report

    workspace = current_workspace()
    files = [seen_from_here(path) for path in write_privacy_report(workspace, study=which)]
    if as_json:
        emit({"reports": files})
    tell(f"Written: {', '.join(files)}. Nothing of a patient is in them.")
    close("report privacy", workspace, study=which)
