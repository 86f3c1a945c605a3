"""``distrust``: taking a revocation in. Tested in tests/cli/test_revocation.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.options.known_names import files_for
from privxray.cli.output import emit, tell


def distrust(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="What `privxray revoke` or `privxray succeed` wrote.",
            autocompletion=files_for("distrust"),
        ),
    ],
    as_json: Json = False,
) -> None:
    """Refuse a key from now on, as its owner asks."""
    from privxray.workflow.custody.distrust import distrust as take
    from privxray.workflow.custody.revoked import WORDS

    workspace = current_workspace()
    done = take(workspace, file)
    if as_json:
        emit(
            {
                "party": done.name,
                "key": done.key,
                "why": done.why,
                "successor": done.successor,
                "already": done.already,
            }
        )
    named = f" In its place it names the key {done.successor[:16]}." if done.successor else ""
    again = " That was known here already." if done.already else ""
    tell(
        f"The key {done.key[:16]} of {done.name} is refused here from now on "
        f"({WORDS[done.why]}).{named}{again} If you did not expect this, call {done.name}."
    )
    for note in done.notes:
        tell(f"Note: {note}.", always=True)
    close("distrust", workspace)
