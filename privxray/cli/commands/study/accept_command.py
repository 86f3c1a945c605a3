"""``accept``: taking in what the coordinator sends back. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Constants, Json, KeyWords, PassphraseFile
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell
from privxray.cli.plan_review import PlanReview
from privxray.cli.prompts import passphrase
from privxray.cli.scores_view import scores_json, show_scores, tell_meaning
from privxray.cli.summary_view import show_summary, summary_json
from privxray.cli.written_reports import report_line
from privxray.errors import RefusedError
from privxray.steps import step

if TYPE_CHECKING:
    from privxray.workflow.hospital.using_model.evaluate import Scores
    from privxray.workspace.folder import Workspace


def accept(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A global model, a summary, or the next plan.",
            autocompletion=files_for("accept"),
        ),
    ],
    words: KeyWords = None,
    constants: Constants = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Take in a model, a summary or the next plan. A model is scored on this hospital's held-out patients."""
    from privxray.workflow.hospital.taking_in.accept import accept as take_in

    workspace = current_workspace()
    review = PlanReview(words, as_json=as_json, constants=constants)
    done = take_in(workspace, file, review.ask, passphrase(passphrase_file))
    if done.joined:
        study, what = done.joined.plan.study, f"The plan of round {done.joined.plan.round}"
        review.show(done.joined.plan, done.joined.changes)
        has_model = done.joined.plan.carries_model and workspace.config.role == "hospital"
    elif done.summary:
        study, what = done.summary.plan.study, f"The summary of round {done.summary.plan.round}"
        has_model = False
    else:
        assert done.model is not None
        study, what = done.model.study, f"The global model of round {done.model.round}"
        has_model = True
    tell(f"{what} is verified and {'was here already' if done.already else 'kept'}.")
    if done.proven:
        bounded = " and within the bounds of the plan" if done.bounded else ""
        tell(
            f"It is the sum of what the hospitals committed to, each of them once{bounded} (see privxray "
            "verify)."
        )
    if done.last_words:
        tell(
            "The study ends with it. Phone the other hospitals: whoever has the same one reads out the same "
            f"words: {done.last_words}"
        )
    if done.summary and not as_json:
        show_summary(done.summary)
    scores = _scored(workspace, study) if has_model else None
    if scores is not None and not as_json:
        show_scores(scores)
        tell_meaning(scores)
    if as_json:
        emit(
            {
                "kind": "plan" if done.joined else "summary" if done.summary else "model",
                "study": study,
                "path": str(done.path) if done.path else None,
                "already": done.already,
                "changes": list(done.joined.changes) if done.joined else None,
                "proven": done.proven,
                "words": done.last_words,
                "evaluation": None if scores is None else scores_json(scores),
                **({"summary": summary_json(done.summary)} if done.summary else {}),
            }
        )
    close("accept", workspace, study=study)


def _scored(workspace: Workspace, study: str | None) -> Scores | None:
    """The score of the new model, and a page that shows it; None where there is nothing to score it on."""
    from privxray.workflow.hospital.reporting.training_report import write_training_report
    from privxray.workflow.hospital.using_model.evaluate import evaluate

    try:
        with step("Computing features") as bar:
            done = write_training_report(workspace, study=study, progress=bar)
    except RefusedError as error:
        if error.reason != "report.in-the-way":
            raise
        tell(f"Note: {error}")
        return evaluate(workspace, study=study)
    if done.not_scored:
        tell(f"Not scored: {done.not_scored}.")
    tell(report_line(done.path))
    return done.scores
