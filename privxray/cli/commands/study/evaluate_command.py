"""``evaluate``: how good the newest model is on this hospital's own held-out patients.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, Study
from privxray.cli.output import counted, emit, progress, tell
from privxray.cli.scores_view import scores_json, show_scores


def evaluate(
    study: Study = None,
    split: Annotated[
        Literal["val", "test"], typer.Option("--split", help="Which held-out patients.")
    ] = "val",
    local: Annotated[
        bool, typer.Option("--local", help="Score this hospital's own training instead, before its export.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score the newest model on own held-out patients. The figures stay in this hospital."""
    from privxray.workflow.hospital.evaluate import evaluate as score

    workspace = current_workspace()
    with progress("Computing features") as bar:
        scores = score(workspace, study=study, split=split, local=local, progress=bar)
    if as_json:
        emit(scores_json(scores))
    else:
        show_scores(scores)
    if scores.left_out:
        tell(
            f"Left out: {counted(scores.left_out, 'patient')} of {split}, for this study has trained on them."
        )
    tell("These figures carry no privacy noise: do not pass them on.")
    close("evaluate", workspace, study=study)
