"""``card``: a fresh card of a hospital or trustee. Tested in tests/cli/test_bad_input.py."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from privxray.cli.closing import close
from privxray.cli.current_workspace import current_workspace, seen_from_here
from privxray.cli.options import Json, PassphraseFile
from privxray.cli.options.typed_names import require_name
from privxray.cli.output import emit, tell
from privxray.cli.prompts import passphrase


def card(
    study: Annotated[
        str | None,
        typer.Option("--study", help="Make a card for this study only.", show_default=False),
    ] = None,
    format_: Annotated[
        Literal["1", "2"],
        typer.Option(
            "--format",
            help="1 for a coordinator whose version of privxray is older and reads no other.",
        ),
    ] = "2",
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Write a fresh card, for a study or another try at a round."""
    from privxray.workflow.common.fresh_card import fresh_card

    require_name("--study", study)
    workspace = current_workspace()
    number: Literal[1, 2] = 1 if format_ == "1" else 2
    path = fresh_card(workspace, passphrase(passphrase_file), study=study, format_=number)
    if as_json:
        emit({"card": str(path), "study": study, "format": number})
    tell(f"Wrote {path.name} with fresh keys for one round.")
    close("card", workspace, file=seen_from_here(path))
