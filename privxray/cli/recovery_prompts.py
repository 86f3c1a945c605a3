"""Showing the words of a recovery key, and getting them back: at a terminal or by a private file alone.

They are never an argument of a command, and are printed to nothing but a terminal.

Tested in tests/cli/test_recovery.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from privxray.cli.output import tell
from privxray.errors import UsageError, WrongKeyError
from privxray.system.console import is_terminal

if TYPE_CHECKING:
    from privxray.workflow.common.callbacks import Passphrase
    from privxray.workspace.folder import Workspace

AT_TERMINAL = "-"
"""What is typed in place of a file whose words are typed at a prompt."""
_TRIES = 5


def offered(passphrase_file: Path | None) -> bool:
    """Whether a person at a terminal wants a recovery key now; nobody else is asked."""
    if passphrase_file is not None or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    question = (
        "Make a recovery key now? It is 24 words on paper, for the day when this workspace is lost (later: "
        "privxray recovery make)"
    )
    return bool(typer.confirm(question, default=False, err=True))


def make_at_terminal(workspace: Workspace, passphrase: Passphrase, *, replace: bool = False) -> None:
    """Show the words of a new recovery key, and state it once they were typed back from the paper.

    :raises UsageError: there is no terminal to show them at.
    :raises WrongKeyError: other words were typed, several times.
    :raises RefusedError: a recovery key is stated already, and ``replace`` is not set.
    """
    from privxray.keys.key_words import listed
    from privxray.keys.succession.recovery_key import new_words
    from privxray.workflow.custody.recovery_key import expect_none, numbered, state_recovery

    workspace.require(("hospital", "trustee"), "recovery make")
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(
            "the words of a recovery key are shown at a terminal only, and there is none",
            reason="recovery.no-terminal",
            advice="Name a file on a stick: privxray recovery make FILE",
        )
    expect_none(workspace, replace=replace)
    words = new_words()
    print(f"\n{numbered(words)}", file=sys.stderr)
    tell(
        "Write these 24 words on paper, with their numbers. They are shown once. Whoever has them can name "
        "other keys for this party: keep them in a safe, away from the workspace and its backups.",
        always=True,
    )
    for tries in range(_TRIES):
        typed = typer.prompt("Type them once more, from the paper", err=True)
        if listed(typed) == words.split():
            state_recovery(workspace, words, passphrase, replace=replace)
            return
        if tries < _TRIES - 1:
            tell(_slip(listed(typed), words.split()), always=True)
    raise WrongKeyError(
        "these are not the words that were shown, so no recovery key was made",
        reason="recovery.not-copied",
        advice="Type the command again, and copy the new words slowly",
    )


def words_from(given: Path) -> str:
    """The words of a recovery key: those in a file, or typed at a prompt where ``-`` stands for the file.

    :raises UsageError: there is no terminal to ask at.
    :raises SystemTroubleError: the file can't be read. :raises MalformedError: it is no text.
    """
    from privxray.workflow.custody.recovery_key import words_in

    if str(given) != AT_TERMINAL:
        words, open_to_others = words_in(given)
        if open_to_others:
            tell(
                "Other accounts of this machine may read the file of the recovery key, perhaps because its "
                "stick keeps no permissions. Take the stick out when this is done.",
                always=True,
            )
        return words
    if not is_terminal(sys.stdin):
        raise UsageError(
            "the words of the recovery key are needed and there is no terminal to ask at",
            reason="recovery.no-terminal-to-ask",
            advice="Name the file that they are in",
        )
    return str(typer.prompt("The 24 words of the recovery key", hide_input=True, err=True))


def _slip(typed: list[str], words: list[str]) -> str:
    if len(typed) != len(words):
        return f"These are {len(typed)} words, and there are {len(words)}. Compare the paper with the screen."
    wrong = [str(place) for place, (one, two) in enumerate(zip(typed, words, strict=True), 1) if one != two]
    return f"Not as they are shown: number {', '.join(wrong)}. Compare the paper with the screen."
