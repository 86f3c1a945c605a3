"""Writing files so that a crash, a full disk or Ctrl-C leaves either the old file or the new one.

The order is the usual one: write a temporary file in the same folder, flush it to the disk, give it its final
name, flush the folder. :mod:`privxray.system.durable` knows what each system has for that. A crash can leave
a temporary file behind, named ``.<name>.<random>.tmp``. No command reads such a file, and :func:`sweep`
removes it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from privxray.errors import RefusedError, SystemTroubleError
from privxray.system import durable, private_files
from privxray.system.durable import sync_folder
from privxray.system.private_files import PRIVATE, PUBLIC

__all__ = ["PRIVATE", "PUBLIC", "atomic_file", "make_private_folder", "sweep", "sync_folder", "write_atomic"]


@contextmanager
def atomic_file(path: Path, *, mode: int = PRIVATE, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Open a file for writing that appears under ``path`` only when the block ends without an exception.

    :param mode: permission bits of the finished file; private unless said otherwise.
    :param overwrite: replace an existing file.
    :raises RefusedError: the file exists and ``overwrite`` is not set. This holds even if the file appears
        while the block runs: the finished file takes its name in a way that never replaces anything.
    :raises SystemTroubleError: on Windows, another program has the existing file open.
    :raises OSError: the operating system refused (disk full, no permission). Nothing is left behind.
    """
    if not overwrite and path.exists():
        raise _taken(path)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"
    try:
        descriptor = private_files.open_new(temporary, mode)
    except OSError as error:
        error.filename = str(path)  # the name of the temporary file would tell nobody anything
        raise
    try:
        with os.fdopen(descriptor, "wb") as stream, _named(path):
            yield stream
            stream.flush()
            private_files.finish(stream.fileno(), mode)
            durable.flush(stream.fileno())
        _claim_name(temporary, path, overwrite=overwrite)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    sync_folder(path.parent)


def write_atomic(path: Path, data: bytes, *, mode: int = PRIVATE, overwrite: bool = False) -> None:
    """Write ``data`` under ``path`` as :func:`atomic_file` does."""
    with atomic_file(path, mode=mode, overwrite=overwrite) as stream:
        stream.write(data)


def make_private_folder(path: Path) -> None:
    """Create a folder that only its owner may enter, and its parents likewise, durably.

    An existing one is left as it is.
    """
    if path.is_dir():
        return
    make_private_folder(path.parent)
    private_files.make_folder(path)
    sync_folder(path.parent)  # otherwise a power cut could take the folder and the synced files in it


def sweep(folder: Path, *, below: bool = False) -> None:
    """Delete the temporary files that an interrupted command left in ``folder``.

    :param below: and in all folders below it.
    """
    for leftover in folder.rglob(".*.tmp") if below else folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            leftover.unlink()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an error of the system that names none, as a write to a full disk raises it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _claim_name(temporary: Path, path: Path, *, overwrite: bool) -> None:
    try:
        if overwrite:
            durable.replace(temporary, path)
        else:
            durable.claim(temporary, path)
    except FileExistsError:
        raise _taken(path) from None
    except durable.InUseError:
        raise SystemTroubleError(
            "another program has this file open, so it can't be replaced",
            reason="file.in-use",
            file=path,
            advice="Close that program, then type the same command again",
        ) from None


def _taken(path: Path) -> RefusedError:
    return RefusedError(
        "this file exists already and was not changed",
        reason="file.exists",
        file=path,
        advice="Move it away, or choose another name",
    )
