"""Putting a finished file where a person takes it from.

Tested in tests/cli/test_study.py.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from privxray.errors import RefusedError, UsageError
from privxray.naming.public_names import lone_name
from privxray.steps import note
from privxray.system.regular_files import read_regular
from privxray.workspace.atomic import PUBLIC, write_atomic


def chosen_folder(named: Path | None, otherwise: Path) -> Path:
    """The folder that a file is written into.

    :param named: what ``--to`` says; None where it was not typed.
    :param otherwise: the workspace's own, which :func:`deliver` makes.
    :raises UsageError: the named one is not there, or is a file. It is never made: it is a stick that is not
        plugged in, or a slip of the keyboard.
    """
    if named is None:
        return otherwise
    if not named.exists():
        raise UsageError(
            "--to has to be a folder that exists, and there is none of this name",
            reason="output.no-such-folder",
            file=lone_name(named, "a folder"),
            advice="Check the name, or whether the stick is plugged in; or make the folder first",
        )
    if not named.is_dir():
        raise UsageError(
            "--to has to be a folder, and this is a file",
            reason="output.not-a-folder",
            file=lone_name(named),
            advice="Name the folder that it lies in, or another one",
        )
    return named


def deliver(data: bytes, path: Path, *, force: bool | None) -> bool:
    """Write finished bytes where they leave from. If the same bytes are there already, nothing is done.

    :param force: replace another file of that name; None in a command that has no ``--force``.
    :returns: whether they were written.
    :raises RefusedError: another file is there, and ``force`` is not set.
    """
    if not expect_free(data, path, force=force):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, mode=PUBLIC, overwrite=bool(force))
    note(f"wrote a file: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    return True


def expect_free(data: bytes, path: Path, *, force: bool | None) -> bool:
    """Whether these bytes still have to be written there.

    :raises RefusedError: another file is there, and ``force`` is not set.
    """
    if path.is_file() and read_regular(path) == data:
        return False
    if path.exists() and not force:
        raise RefusedError(
            "another file of this name is there",
            reason="file.other-content",
            file=path,
            advice="Move it away" if force is None else "Move it away, or replace it with --force",
        )
    return True
