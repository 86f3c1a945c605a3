"""``revoke``: the statement that this party's key is given up. Tested in tests/cli/test_revocation.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell


def revoke(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as hospital-a.revocation.")],
    why: Annotated[
        Literal["lost", "left", "replaced"],
        typer.Option(
            "--why",
            help="The workspace was lost or stolen; the party has left; other keys are in place of these.",
        ),
    ] = "lost",
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write a statement by which others refuse this key."""
    from privxray.workflow.custody.revoked import revoke as write

    workspace = current_workspace()
    write(workspace, file, why, prompts.passphrase(passphrase_file))
    if as_json:
        emit({"revocation": str(file), "why": why})
    tell(
        "Wrote the revocation. Whoever takes it in refuses every file of this party from then on, in "
        "every study, and that can't be undone. Made in advance, it belongs where the workspace is not."
    )
    close("revoke", workspace, file=seen_from_here(file))
