"""``withdraw``: a patient takes back the consent. Tested in tests/cli/test_withdraw.py."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, Json
from privxray.cli.options.written_files import require_free
from privxray.cli.output import counted, emit, tell
from privxray.cli.private_lines import private_lines
from privxray.errors import UsageError
from privxray.naming.public_names import lone_name
from privxray.system.console import is_terminal

if TYPE_CHECKING:
    from privxray.naming.patient_id import PatientId
    from privxray.workflow.hospital.withdraw import Withdrawal
    from privxray.workspace.folder import Workspace


def withdraw(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A private file whose only line is the patient's id.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write a confirmation to print, as HTML.", show_default=False),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Take a patient out of all later training, for good.

    The id is asked for without showing it. It is never part of the command.
    """
    from privxray.workflow.hospital.withdraw import withdraw as take_out

    require_free({"--out": out}, force=force)
    workspace = current_workspace()
    workspace.require("hospital", "withdraw")  # before a person types an id
    done = take_out(workspace, _patient(source))
    if out is not None:
        _confirm(workspace, done, out, force=force)
    if as_json:
        emit(_json(done))
    when = f"had withdrawn on {done.at[:10]} already" if done.before else "is withdrawn"
    tell(
        f"This patient {when}: no later training sees him or her. {counted(done.images, 'image')} taken out "
        "of the data sets."
    )
    for one in done.seen:
        what = "has left the hospital" if one.left else "has not left the hospital"
        tell(f"Round {one.round} of {one.study} was trained on this patient; its result {what}.")
        if one.pending and not one.left:
            tell(
                "To train it without this patient, which costs the other patients' budget again: "
                "privxray train --again --epsilon E"
            )
    for part in done.counted:
        what = "have left the hospital" if part.left else "have not left the hospital"
        tell(
            f"Round {part.round} of {part.study} counted this patient in the {part.what}; its counts {what}."
        )
    for part in done.unknown:
        tell(
            f"The {part.what} in round {part.round} of {part.study} was made by a version of privxray "
            "that did not note whom it counted. This patient is in it if he or she was ingested then."
        )
    if done.stays:
        tell(done.stays)
    if out is not None:
        tell(f"{lone_name(out)} is a confirmation to print. It has the pseudonym, and a line for the name.")
    close("withdraw", workspace)


def _patient(source: Path | None) -> PatientId:
    """The id out of a private file, or as a person types it unseen.

    :raises UsageError: there is none, or nobody to ask.
    """
    from privxray.naming.patient_id import PatientId

    if source is not None:
        lines = private_lines(source)
        if len(lines) != 1:
            raise UsageError(
                "--from takes a file with one line, the patient's id",
                reason="withdraw.one-line",
                advice="Withdraw one patient at a time",
            )
        return PatientId(lines[0])
    if not is_terminal(sys.stdin):
        raise UsageError(
            "there is no terminal to ask at for the patient's id",
            reason="withdraw.no-terminal",
            advice="Write it into a private file, and type --from FILE",
        )
    question = "The patient's id, as your csv or Patient ID has it (not shown)"
    typed: str = typer.prompt(question, hide_input=True, err=True)
    return PatientId(typed.strip())


def _json(done: Withdrawal) -> dict[str, object]:
    return {
        "at": done.at,
        "before": done.before,
        "images": done.images,
        "seen": [asdict(one) | {"spent": one.spent.to_json()} for one in done.seen],
        "counted": [asdict(one) for one in done.counted],
        "not_noted": [asdict(one) for one in done.unknown],
    }


def _confirm(workspace: Workspace, done: Withdrawal, out: Path, *, force: bool) -> None:
    from privxray.reports.rendering import render
    from privxray.version import __version__
    from privxray.workspace.atomic import write_atomic

    page = render("withdrawal.html", done=done, hospital=workspace.config.name, version=__version__)
    write_atomic(out, page.encode(), overwrite=force)
