"""``evaluate``: how good the newest model is on this hospital's own held-out patients.

Tested in tests/cli/test_study.py and tests/cli/test_evaluate.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from privxray.cli import scores_view
from privxray.cli.closing import close
from privxray.cli.contribution_view import Contribute, Epsilon, contribution_json, tell_contribution
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, Study
from privxray.cli.options.written_files import require_free
from privxray.cli.output import counted, emit, tell
from privxray.errors import UsageError
from privxray.steps import step


def evaluate(
    study: Study = None,
    split: Annotated[
        Literal["val", "test"], typer.Option("--split", help="Which held-out patients.")
    ] = "val",
    local: Annotated[
        bool, typer.Option("--local", help="Score this hospital's own training instead, before its export.")
    ] = False,
    groups: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            help="Give macro AUC for groups of patients by this column of the labels: sex, age (in bands) or "
            "group_NAME; may be repeated.",
            show_default=False,
        ),
    ] = None,
    contribute: Contribute = False,
    epsilon: Epsilon = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write a sheet for the ethics file.", show_default=False
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --report where it exists.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score the newest model on own held-out patients.

    Without --contribute the figures stay in this hospital. With it the plan's model is scored, the scores are
    counted with the noise that the plan asks for, and the next command is export-update. Example: privxray
    evaluate --contribute
    """
    from privxray.workflow.hospital.using_model.evaluate import evaluate as score

    if contribute:
        if local or groups or report is not None:
            raise UsageError(
                "--contribute takes --split, --study and --epsilon alone",
                reason="contribute.other-options",
                advice="Leave --local, --group and --report out, or type them without --contribute",
            )
        _contribute(study, split, epsilon, as_json=as_json)
        return
    if epsilon is not None:
        raise UsageError(
            "--epsilon is for a contribution to a study, and --contribute is missing",
            reason="contribute.missing",
            advice="Your own figures have no noise and cost nothing: leave --epsilon out",
        )
    require_free({"--report": report}, force=force)
    workspace = current_workspace()
    with step("Computing features") as bar:
        scores = score(
            workspace, study=study, split=split, local=local, groups=tuple(groups or ()), progress=bar
        )
    if report is not None:
        from privxray.workflow.hospital.reporting.evaluation_sheet import evaluation_sheet
        from privxray.workspace.atomic import write_atomic

        write_atomic(report, evaluation_sheet(scores, workspace.config.name).encode(), overwrite=force)
    if as_json:
        emit(scores_view.scores_json(scores))
    else:
        scores_view.show_scores(scores)
        scores_view.show_details(scores)
        scores_view.tell_meaning(scores)
    if scores.left_out:
        tell(
            f"Left out: {counted(scores.left_out, 'patient')} of {split}, for this study has trained on them."
        )
    if report is not None:
        tell("The sheet is in the file that --report names. It stays in the hospital.")
    tell("These figures carry no privacy noise: do not pass them on.")
    close("evaluate", workspace, study=study)


def _contribute(study: str | None, split: str, epsilon: float | None, *, as_json: bool) -> None:
    from privxray.workflow.hospital.counting.evaluate_together import evaluate_together

    workspace = current_workspace()
    with step("Computing features") as bar:
        done = evaluate_together(workspace, study=study, epsilon=epsilon, split=split, progress=bar)
    if as_json:
        emit(contribution_json(done))
    tell_contribution(done, "The scores of your held-out patients were counted")
    close("evaluate --contribute", workspace, study=done.plan.study)
