"""``inspect``: what a file says, and whether it is whole and signed. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.output import emit, table, tell
from privxray.errors import WorkspaceError


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of any kind that travels.")],
    as_json: Json = False,
) -> None:
    """What a file says, and whether it is whole and signed."""
    from privxray.workflow.upkeep.inspect_file import inspect_file

    try:
        workspace = current_workspace()
    except WorkspaceError:
        workspace = None
    seen = inspect_file(file, workspace)
    if as_json:
        emit({"file": str(file), "signature": seen.signature, "header": seen.header})
    else:
        kind = str(seen.header["kind"])
        table(f"{file.name}: {'an' if kind[0] in 'aeiou' else 'a'} {kind}", ("field", "value"), seen.rows())
    whole = "File complete and unchanged" if seen.verified else "File complete"
    tell(f"{whole}. Signature: {seen.signature}.")
