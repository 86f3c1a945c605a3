"""``backup``: what a workspace needs to go on elsewhere. Tested in tests/cli/test_backup.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli import prompts
from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.output import emit, tell


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, on a stick or on another disk.")],
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write what this workspace needs to go on elsewhere."""
    from privxray.workflow.custody.backup import backup as back_up

    workspace = current_workspace()
    made = back_up(workspace, file, prompts.passphrase(passphrase_file))
    if as_json:
        emit({"backup": str(made.path), "bytes": made.size, "files": made.files})
    tell(
        f"Wrote the backup ({made.size:,} bytes), which opens with the passphrase that this workspace "
        "has now. It holds no image, no key of a round and no training result: after restoring it, open "
        "rounds are over for this party."
    )
    close("backup", workspace)
