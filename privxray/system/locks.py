"""A lock on a file: one process at a time holds it, and it goes when that process ends, however it ends.

POSIX has ``flock``. On Windows the library filelock locks the file's first byte. Where Python was built
without ``fcntl``, filelock takes another kind of its own.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privxray.system import win32

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_FAIL_IMMEDIATELY = 1  # LockFileEx; without LOCKFILE_EXCLUSIVE_LOCK the lock is a shared one


class LockedError(Exception):
    """Another process holds the lock."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock on ``path`` while the block runs; the file is made where there is none.

    :raises LockedError: another process holds it. Nothing is waited for.
    :raises OSError: the file can't be opened.
    """
    if fcntl is None:
        with _by_filelock(path):
            yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError from None
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on ``path``. Nothing is made or changed.

    It asks with a shared lock, so that two who ask at once don't see each other.
    """
    if not path.exists():
        return False
    if fcntl is not None:
        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
    if win32.is_windows():
        return _first_byte_is_locked(path)
    try:
        with _by_filelock(path):
            return False
    except LockedError:
        return True


@contextmanager
def _by_filelock(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError from None
    try:
        yield
    finally:
        lock.release()


def _first_byte_is_locked(path: Path) -> bool:
    """Ask Windows for a shared lock on the byte that filelock locks; closing the handle gives it back."""
    with win32.opened(path, win32.GENERIC_READ) as handle:
        place = win32.Overlapped()
        kernel32 = win32.library("kernel32")
        if kernel32.LockFileEx(handle, _FAIL_IMMEDIATELY, 0, 1, 0, ctypes.byref(place)):
            return False
        error = win32.last_error()
    if getattr(error, "winerror", None) == win32.LOCK_VIOLATION:
        return True
    raise error
