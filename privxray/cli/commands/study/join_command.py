"""``join``: following a coordinator's plan. Tested in tests/cli/test_terminal.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Constants, Json, KeyWords, PassphraseFile
from privxray.cli.output import emit, tell
from privxray.cli.plan_review import PlanReview
from privxray.cli.plan_view import plan_json
from privxray.cli.prompts import passphrase


def join(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The coordinator's plan.")],
    words: KeyWords = None,
    constants: Constants = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Verify a plan, compare its key words, and follow it."""
    from privxray.workflow.hospital.join import join as follow

    workspace = current_workspace()
    review = PlanReview(words, as_json=as_json, constants=constants)
    joined = follow(workspace, file, review.ask, passphrase(passphrase_file))
    review.show(joined.plan, joined.changes)
    if as_json:
        emit(
            {
                "already": joined.already,
                "changes": list(joined.changes),
                "agreement": str(joined.agreement) if joined.agreement else None,
                **plan_json(joined.plan),
            }
        )
    done = "was joined before" if joined.already else "is joined"
    tell(f"Round {joined.plan.round} of the study {joined.plan.study} {done}.")
    if joined.agreement:
        tell(
            f"Wrote {joined.agreement}: this hospital's part of the secrets for the masks, and of no patient."
        )
    close("join", workspace, study=joined.plan.study)
