"""Putting a finished file where a person takes it from.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

from pathlib import Path

from privxray.errors import RefusedError
from privxray.workspace.atomic import PUBLIC, write_atomic


def deliver(data: bytes, path: Path, *, force: bool = False) -> None:
    """Write finished bytes where they leave from. If the same bytes are there already, nothing is done.

    :param force: replace another file of that name.
    :raises RefusedError: another file is there, and ``force`` is not set.
    """
    if path.exists() and path.read_bytes() == data:
        return
    if path.exists() and not force:
        raise RefusedError(
            "another file of this name is there",
            reason="file.other-content",
            file=path,
            advice="Move it away, or replace it with --force",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, mode=PUBLIC, overwrite=force)
