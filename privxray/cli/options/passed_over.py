"""What a command tells of files that it did not read: ``--list``, and what a DICOMDIR names.

Tested in tests/cli/test_folders.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from privxray.cli.output import counted, table

_SHOWN = 8

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


def medium_lines(indexes: int, missing: Sequence[str], became: str) -> Iterator[str]:
    """What to say of DICOMDIR files, and of files that they name and that are not there.

    :param became: of a DICOMDIR.
    """
    if indexes:
        yield (
            f"A DICOMDIR {became}, for it is no image. It names every patient of the medium, so do not pass "
            "it on."
        )
    if missing:
        more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
        yield (
            f"{counted(len(missing), 'file')} that a DICOMDIR names "
            f"{'is' if len(missing) == 1 else 'are'} not there: {', '.join(missing[:_SHOWN])}{more}. The "
            "medium may not be copied completely."
        )


def medium_json(indexes: int, missing: Sequence[str]) -> dict[str, Any]:
    """The same for a program; nothing where there is no DICOMDIR."""
    told: dict[str, Any] = {"medium_indexes": indexes} if indexes else {}
    return told | ({"missing_references": list(missing)} if missing else {})


def _names(paths: Sequence[Path]) -> list[str]:
    from privxray.deid.sources.selection import select
    from privxray.naming.public_names import public_name

    return [public_name(path, number) for number, path in enumerate(select(paths).passed_over, start=1)]
