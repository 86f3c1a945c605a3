"""``exports``: what left this workspace, when, and to whom.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, Json
from privxray.cli.options.known_names import studies
from privxray.cli.options.spreadsheet import DecimalComma, spreadsheet
from privxray.cli.options.written_files import require_free
from privxray.cli.output import counted, emit, table, tell

if TYPE_CHECKING:
    from privxray.workflow.upkeep.sent_files import Sent
    from privxray.workspace.state_tables.sent_tables import SentFile

_COLUMNS = ("left", "kind", "file", "study", "round", "to", "bytes", "sha256", "epsilon", "delta")


def exports(
    study: Annotated[
        str | None,
        typer.Option(
            "--study", help="Show only the files of this study.", show_default=False, autocompletion=studies
        ),
    ] = None,
    to_csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the list into this file, too.", show_default=False)
    ] = None,
    decimal_comma: DecimalComma = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """List each file that ever left this workspace.

    It says when, to whom, how large, which SHA-256, and what an update states of epsilon.
    """
    from privxray.workflow.upkeep.sent_files import sent_files

    require_free({"--csv": to_csv}, force=force)
    found = sent_files(current_workspace(), study=study)
    if to_csv is not None:
        from privxray.workspace.atomic import write_atomic

        rows = [_cells(one) for one in found]
        write_atomic(
            to_csv,
            spreadsheet(_COLUMNS, rows, numbers=(8, 9), decimal_comma=decimal_comma),
            overwrite=force,
        )
    if as_json:
        emit({"files": [dict(zip(_COLUMNS, _values(one), strict=True)) for one in found]})
        return
    shown = [
        (one.file.at[:16].replace("T", " "), one.file.name, one.to, f"{one.file.size:,}", *_short(one.file))
        for one in found
    ]
    table("What left this workspace", ("left (UTC)", "file", "to", "bytes", "sha-256", "epsilon"), shown)
    tell(
        f"{counted(len(found), 'file')}. A file that left twice counts once, as of the first time. Whole "
        "hashes are in --json and --csv."
        if found
        else "No file that left is on record here. Earlier versions of privxray kept no record."
    )


def _short(file: SentFile) -> tuple[str, str]:
    return file.sha256[:8], "" if file.epsilon is None else f"{file.epsilon:g}"


def _values(one: Sent) -> tuple[object, ...]:
    file = one.file
    return (
        file.at,
        file.kind,
        file.name,
        file.study,
        file.round or None,
        one.to,
        file.size,
        file.sha256,
        file.epsilon,
        file.delta,
    )


def _cells(one: Sent) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in _values(one))
