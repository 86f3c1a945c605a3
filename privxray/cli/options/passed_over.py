"""``--list``: which files of a folder are passed over as no images. Tested in tests/cli/test_folders.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from privxray.cli.output import table

ListPassedOver = Annotated[
    bool, typer.Option("--list", help="Also list the files that are passed over as no images.")
]


def show_passed_over(paths: Sequence[Path], *, listed: bool) -> None:
    """Print the files that were passed over, if that was typed."""
    if listed:
        table("Passed over as no images", ("file",), ((name,) for name in _names(paths)))


def passed_over_json(paths: Sequence[Path], *, listed: bool) -> dict[str, Any]:
    """The same for a program; nothing if it was not typed."""
    return {"passed_over_files": _names(paths)} if listed else {}


def _names(paths: Sequence[Path]) -> list[str]:
    from privxray.deid.judging.selection import passed_over
    from privxray.naming.public_names import public_name

    return [public_name(path, number) for number, path in enumerate(passed_over(paths), start=1)]
