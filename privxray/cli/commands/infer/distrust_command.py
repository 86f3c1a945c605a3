"""``infer distrust``: key words that were compared count no more. Tested in tests/cli/test_revocation.py."""

from __future__ import annotations

from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Json
from privxray.cli.output import emit, tell


def distrust(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The party, as its offers or queries call it.")],
    as_json: Json = False,
) -> None:
    """Forget that a party's key words were compared."""
    from privxray.workflow.inference.trust import forget_party

    workspace = current_workspace()
    forget_party(workspace, name)
    if as_json:
        emit({"party": name, "distrusted": True})
    tell(
        f"The key words of {name} count no more: they are asked for again, and its offers here are forgotten."
    )
    close("infer distrust", workspace)
