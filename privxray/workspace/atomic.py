"""Writing files so that a crash, a full disk or Ctrl-C leaves either the old file or the new one.

The order is the usual one on POSIX: write a temporary file in the same folder, fsync it, rename it to the
final name, fsync the folder. A crash can leave a temporary file behind, named ``.<name>.<random>.tmp``. No
command reads such a file, and :func:`sweep` removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from privxray.errors import RefusedError

PUBLIC = 0o644
PRIVATE = 0o600

# What operating systems answer to a hard link on a memory stick: FAT and exFAT have no hard links.
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


@contextmanager
def atomic_file(path: Path, *, mode: int = PRIVATE, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Open a file for writing that appears under ``path`` only when the block ends without an exception.

    :param mode: permission bits of the finished file; private unless said otherwise.
    :param overwrite: replace an existing file.
    :raises RefusedError: the file exists and ``overwrite`` is not set. This holds even if the file appears
        while the block runs: the finished file takes its name by a hard link, which never replaces anything.
    :raises OSError: the operating system refused (disk full, no permission). Nothing is left behind.
    """
    if not overwrite and path.exists():
        raise _taken(path)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        error.filename = str(path)  # the name of the temporary file would tell nobody anything
        raise
    try:
        with os.fdopen(descriptor, "wb") as stream, _named(path):
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            flush(stream.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            _claim(temporary, path)
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
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)  # otherwise a power cut could take the folder and the synced files in it


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def flush(descriptor: int) -> None:
    """Make what was written durable. On macOS fsync leaves it in the drive's cache, F_FULLFSYNC does not."""
    whole: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if whole is not None:
        try:
            fcntl.fcntl(descriptor, whole)
        except OSError:  # the file system of a memory stick may not support it
            os.fsync(descriptor)
        return
    os.fsync(descriptor)


def sweep(folder: Path) -> None:
    """Delete the temporary files that an interrupted command left in ``folder``."""
    for leftover in folder.glob(".*.tmp"):
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


def _taken(path: Path) -> RefusedError:
    return RefusedError(
        "this file exists already and was not changed",
        reason="file.exists",
        file=path,
        advice="Move it away, or choose another name",
    )


def _claim(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # Without hard links the check in atomic_file is the only guard against two writers of one name.
        temporary.replace(path)
