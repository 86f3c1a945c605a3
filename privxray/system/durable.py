"""How a finished file takes its name, and how that and its content outlive a power cut.

On POSIX: fsync of the file, ``link`` or ``rename``, fsync of the folder. On Windows (docs/adr/0103):
``FlushFileBuffers`` of the file, ``MoveFileExW`` with write-through, ``FlushFileBuffers`` of the folder.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from privxray.system import win32

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# What operating systems answer to a hard link on a memory stick: FAT and exFAT have no hard links.
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}

_REPLACE_EXISTING = 0x1
_WRITE_THROUGH = 0x8  # the call returns when the new name is on the disk
_IN_USE = {win32.ACCESS_DENIED, win32.SHARING_VIOLATION}

PATIENCE = 3.0
"""Seconds for which a name is tried again that another program holds, such as a virus scanner."""
_STEP = 0.05


class InUseError(Exception):
    """Another program has the file open, so that Windows does not let it be replaced."""


def flush(descriptor: int) -> None:
    """Make what was written durable. On macOS fsync leaves it in the drive's cache, F_FULLFSYNC does not."""
    whole: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if fcntl is not None and whole is not None:
        try:
            fcntl.fcntl(descriptor, whole)
        except OSError:  # the file system of a memory stick may not support it
            os.fsync(descriptor)
        return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in ``folder`` durable."""
    if win32.is_windows():
        with suppress(OSError), win32.opened(folder, win32.GENERIC_WRITE) as handle:
            win32.library("kernel32").FlushFileBuffers(handle)  # FAT refuses; there is nothing stronger
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def replace(temporary: Path, path: Path) -> None:
    """Give a finished file its name, in place of another file.

    :raises InUseError: on Windows, another program has the other file open and does not close it.
    :raises OSError: the system refused.
    """
    if win32.is_windows():
        _move(temporary, path, _REPLACE_EXISTING | _WRITE_THROUGH)
    else:
        temporary.replace(path)


def claim(temporary: Path, path: Path) -> None:
    """Give a finished file its name if no file has it. The temporary name may stay beside it.

    :raises FileExistsError: a file has that name. It is left as it is.
    :raises OSError: the system refused.
    """
    if win32.is_windows():
        _move(temporary, path, _WRITE_THROUGH)  # refuses to replace, on FAT as well
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # Without hard links a check before the writing is the only guard against two writers of one name.
        temporary.replace(path)


def _move(source: Path, target: Path, flags: int) -> None:
    until = time.monotonic() + PATIENCE
    while not win32.library("kernel32").MoveFileExW(str(source), str(target), flags):
        error = win32.last_error()
        if getattr(error, "winerror", None) not in _IN_USE:
            raise error
        if time.monotonic() > until:
            raise InUseError from error
        time.sleep(_STEP)
