"""``distrust``: taking a revocation in. Tested in tests/cli/test_revocation.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.output import emit, tell


def distrust(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `privxray revoke` wrote.")],
    as_json: Json = False,
) -> None:
    """Refuse a key from now on, as its owner asks."""
    from privxray.workflow.custody.revoked import WORDS
    from privxray.workflow.custody.revoked import distrust as take

    workspace = current_workspace()
    done = take(workspace, file)
    header = done.header
    if as_json:
        emit(
            {
                "party": header.name,
                "key": header.sender,
                "why": header.why,
                "successor": header.successor.fingerprint if header.successor else None,
                "already": done.already,
            }
        )
    new = header.successor.fingerprint[:16] if header.successor else None
    named = f" In its place it names the key {new}." if new else ""
    again = " That was known here already." if done.already else ""
    tell(
        f"The key {header.sender[:16]} of {header.name} is refused here from now on "
        f"({WORDS[header.why]}).{named}{again} If you did not expect this, call {header.name}."
    )
    close("distrust", workspace)
