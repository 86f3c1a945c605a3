"""The group ``recovery``: a key outside of the workspace. Tested in tests/cli/test_recovery.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell
from privxray.cli.recovery_prompts import make_at_terminal, words_from

_File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="A new file for the words, on a stick; without it they are shown here, to be written on paper.",
        show_default=False,
    ),
]
_Words = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The file with the words; - asks for them."),
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the recovery key that the cards state so far.")
]


def make(
    file: _File = None,
    replace: _Replace = False,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a recovery key, 24 words for a safe."""
    from privxray.workflow.custody.recovery_key import make_recovery_file

    workspace = current_workspace()
    secret = prompts.passphrase(passphrase_file)
    already = False
    if file is None:
        make_at_terminal(workspace, secret, replace=replace)
    else:
        already = make_recovery_file(workspace, file, secret, replace=replace)
    if as_json:
        emit({"file": None if file is None else str(file), "already": already})
    done = (
        "This is the recovery key that the cards state." if already else "The next card states the new key."
    )
    tell(
        f"{done} A study knows the key once one of its plans states it; a plan that was made with an older "
        "card does not. If this workspace is ever lost, a new one says with these words that it is the same "
        "party: privxray help recovery key."
    )
    close("recovery make", workspace)


def check(file: _Words, as_json: Json = False) -> None:
    """Look whether words are this workspace's recovery key."""
    from privxray.errors import WrongKeyError
    from privxray.workflow.custody.recovery_key import is_own_recovery

    workspace = current_workspace()
    if not is_own_recovery(workspace, words_from(file)):
        raise WrongKeyError(
            "these are the words of another recovery key than this workspace's cards state",
            reason="recovery.other-words",
            advice="Look for the right paper; or make other words: privxray recovery make --replace",
        )
    if as_json:
        emit({"right": True})
    tell("These are the words of the recovery key that this workspace's cards state.")
    close("recovery check", workspace)


def add_to(app: typer.Typer) -> None:
    """Register both as one group."""
    group = typer.Typer(
        name="recovery",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="A key for the day when this workspace's keys are lost.",
    )
    for command in (make, check):
        group.command()(command)
    app.add_typer(group)
