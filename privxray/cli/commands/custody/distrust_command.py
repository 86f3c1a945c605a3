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
        emit({"party": header.name, "key": header.sender, "why": header.why, "already": done.already})
    again = " That was known here already." if done.already else ""
    tell(
        f"The key {header.sender[:16]} of {header.name} is refused here from now on "
        f"({WORDS[header.why]}).{again} If you did not expect this, call {header.name}."
    )
    close("distrust", workspace)
