"""``succeed``: the old key names the new one. Tested in tests/cli/test_revocation.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell


def succeed(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The card of this party's new workspace.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as hospital-a.revocation.")],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Give this key up for that of a new workspace."""
    from privxray.workflow.custody.revoked import succeed as write

    workspace = current_workspace()
    new = write(workspace, card, file, prompts.passphrase(passphrase_file))
    if as_json:
        emit({"revocation": str(file), "successor": new.fingerprint})
    tell(
        f"Wrote the revocation. Whoever takes it in refuses this workspace's key from then on, and sees "
        f"that it names the key {new.fingerprint[:16]} in its place. The new key words are compared all the "
        "same."
    )
    close("succeed", workspace, file=seen_from_here(file))
