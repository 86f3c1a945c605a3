"""The group ``crosswalk``: who a copy is, for those who may know. Tested in tests/cli/test_crosswalk.py.

No identifier is typed on the command line, which the shell remembers, and none is shown: a prompt that hides
what is typed, or a private file, takes them, and a private file gets the answer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.options import Force, Json, PassphraseFile
from privxray.cli.options.spreadsheet import DecimalComma, spreadsheet
from privxray.cli.options.written_files import require_free
from privxray.cli.output import counted, emit, tell
from privxray.cli.private_lines import private_lines
from privxray.cli.prompts import passphrase
from privxray.errors import UsageError
from privxray.naming.public_names import lone_name
from privxray.system.console import is_terminal

_QUESTION = "Patient ID, pseudonym, UID or file (not shown; an empty line ends)"


def add_to(app: typer.Typer) -> None:
    """Register the commands on crosswalks as one group."""
    group = typer.Typer(
        name="crosswalk",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Which copy is of which original: show.",
    )
    group.command()(show)
    app.add_typer(group)


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What deidentify --crosswalk has written.")],
    out: Annotated[Path, typer.Option("--out", help="The csv to write, for your eyes only.")],
    ids: Annotated[
        Path | None,
        typer.Option("--ids", help="A private file with a value a line, to look up.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Write all pairs.")] = False,
    decimal_comma: DecimalComma = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Look up which copy is of which original."""
    from privxray.workflow.images.crosswalk_file import read_crosswalk
    from privxray.workspace.atomic import write_atomic

    require_free({"--out": out}, force=force)
    if everything and ids is not None:
        raise UsageError("--all and --ids don't go together", reason="crosswalk.all-and-ids")
    crosswalk = read_crosswalk(file, passphrase(passphrase_file))
    asked = [] if everything else list(private_lines(ids) if ids is not None else _typed())
    found = [list(crosswalk.find(one)) for one in asked]
    matches = list(crosswalk) if everything else [match for each in found for match in each]
    rows = [(one.kind, one.original, one.new, one.remark) for one in dict.fromkeys(matches)]
    header = ("kind", "original", "copy", "remark")
    write_atomic(out, spreadsheet(header, rows, numbers=(), decimal_comma=decimal_comma), overwrite=force)
    known = sum(map(bool, found))
    if as_json:
        emit({"asked": len(asked), "found": known, "rows": len(rows)})
    if not everything:
        tell(f"{known} of {counted(len(asked), 'value')} found.")
    tell(f"{lone_name(out)} has {counted(len(rows), 'row')}. It names patients: only you can read it.")
    close("crosswalk show")


def _typed() -> Iterator[str]:
    """What a person types, without showing it.

    :raises UsageError: there is no terminal to ask at.
    """
    if not is_terminal(sys.stdin):
        raise UsageError(
            "there is no terminal to ask at for what is to be looked up",
            reason="crosswalk.no-terminal",
            advice="Write the values into a private file, a line each, and type --ids FILE; or --all",
        )
    while typed := typer.prompt(_QUESTION, hide_input=True, default="", show_default=False, err=True):
        yield typed
