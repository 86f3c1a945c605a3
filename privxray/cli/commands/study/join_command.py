"""``join``: following a coordinator's plan. Tested in tests/cli/test_terminal.py."""

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
from privxray.cli.plan_view import plan_json
from privxray.cli.prompts import passphrase

if TYPE_CHECKING:
    from privxray.workflow.custody.named_successor import TakenIn


def join(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The coordinator's plan, or the succession of a new coordinator.",
            autocompletion=files_for("join"),
        ),
    ],
    words: KeyWords = None,
    constants: Constants = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Verify a plan, compare its key words, and follow it."""
    from privxray.workflow.custody.named_successor import TakenIn
    from privxray.workflow.hospital.taking_in.join import join_or_take

    workspace = current_workspace()
    review = PlanReview(words, as_json=as_json, constants=constants)
    joined = join_or_take(workspace, file, review.ask, passphrase(passphrase_file))
    if isinstance(joined, TakenIn):
        _show_coordinator(joined, as_json)
        close("join", workspace, study=joined.header.study)
        return
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
            f"Wrote {joined.agreement}: by it this hospital agrees with the others on secrets for the masks. "
            "Nothing of a patient is in it."
        )
    close("join", workspace, study=joined.plan.study)


def _show_coordinator(taken: TakenIn, as_json: bool) -> None:
    """Say who coordinates the study from now on, and by whose votes."""
    header = taken.header
    if as_json:
        emit(
            {
                "already": taken.already,
                "study": header.study,
                "coordinator": {"name": header.name, "key": header.sender},
                "voters": list(taken.voters),
                "notes": list(taken.notes),
            }
        )
    for note in taken.notes:
        tell(f"Note: {note}.", always=True)
    tell(
        f"{' and '.join(taken.voters)} named {header.name} ({header.sender[:16]}) coordinator of the study "
        f"{header.study} in place of the one before, whose files are refused here from now on. A round "
        "that it had open is void. If the one before is there and objects, call it and those who voted. The "
        "key words of the new one's plan are compared as always."
    )
