"""``vote``: for a coordinator in the place of one whose key is lost.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, PassphraseFile, To
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell

_Words = Annotated[
    str | None,
    typer.Option(
        "--key-words", help="The candidate's twelve key words, instead of asking.", show_default=False
    ),
]
_Change = Annotated[
    bool, typer.Option("--change", help="Vote for another candidate than before. Tell everybody by phone.")
]


def vote(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="What `privxray card --candidacy` wrote at whoever is to coordinate.",
            autocompletion=files_for("vote"),
        ),
    ],
    words: _Words = None,
    change: _Change = False,
    to: To = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Vote for a new coordinator, the old one's key being lost."""
    from privxray.workflow.custody.vote import VotePrompts
    from privxray.workflow.custody.vote import vote as give

    workspace = current_workspace()
    ask = VotePrompts(
        prompts.party_words(words, "candidate for coordinator"), prompts.passphrase(passphrase_file)
    )
    given = give(workspace, file, ask, change=change, folder=to)
    if as_json:
        emit(
            {
                "vote": str(given.path),
                "study": given.study,
                "candidate": given.name,
                "key": given.keys.fingerprint,
                "until": given.until,
                "already": given.already,
            }
        )
    again = "This hospital has given this vote before. " if given.already else ""
    tell(
        f"{again}The vote says that {given.name} ({given.keys.fingerprint[:16]}) is to coordinate the study "
        f"{given.study} in place of its coordinator, whose key is lost. It counts until {given.until}, and "
        "only as long as nothing newer of the old coordinator has come here. If that one is there after all, "
        "don't let the vote leave. Rounds of the old key are void once enough hospitals have voted."
    )
    close("vote", workspace, file=seen_from_here(given.path), to=given.name)
