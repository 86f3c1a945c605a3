"""Writing the page of a report under its fixed name. Tested in tests/cli/test_report.py."""

from __future__ import annotations

from pathlib import Path

from privxray.errors import RefusedError
from privxray.system.regular_files import read_regular
from privxray.workspace.atomic import make_private_folder, write_atomic


def expect_own(path: Path, kind: str) -> None:
    """Check that a page may be written: nothing lies there, or a page of this kind.

    :param kind: stands in every page of it.
    :raises RefusedError: another file has the name.
    """
    if path.exists() and kind.encode() not in read_regular(path):
        raise RefusedError(
            "another file has the name of the report",
            reason="report.in-the-way",
            file=path,
            advice="Move it away, and type the same command",
        )


def write_report(path: Path, text: str, mode: int) -> None:
    """Write a page in the place of the one before.

    :param mode: permission bits.
    """
    make_private_folder(path.parent)
    write_atomic(path, text.encode(), mode=mode, overwrite=True)
