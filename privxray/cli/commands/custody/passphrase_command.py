"""``passphrase``: another passphrase for the same keys. Tested in tests/cli/test_passphrase.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell

NewPassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--new-passphrase-file",
        help="Read the new passphrase from the first line of this file instead of asking twice.",
        show_default=False,
    ),
]


def passphrase(
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: NewPassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Change the passphrase that protects this workspace's keys."""
    from privxray.workflow.custody.change_passphrase import change_passphrase

    workspace = current_workspace()
    change_passphrase(
        workspace,
        prompts.passphrase(passphrase_file, words="Passphrase so far"),
        prompts.passphrase(
            new_passphrase_file, new=True, words="New passphrase", by_file="--new-passphrase-file FILE"
        ),
    )
    if as_json:
        emit({"workspace": str(workspace.root), "changed": True})
    tell(
        "The keys are under the new passphrase now. Copies of this workspace and backups that were made "
        "before still open with the old one: if somebody knows it, delete them and make a new backup."
    )
    close("passphrase", workspace)
