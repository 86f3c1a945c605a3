"""Calls of the Windows API: how its libraries are loaded, and how its errors become ``OSError``.

Each function that uses them stands in the module whose question it answers; here is only what they share. On
other systems nothing here is called. Tests on Linux put their own library in place of :func:`library` and
look at the calls.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

GENERIC_READ = 0x8000_0000
GENERIC_WRITE = 0x4000_0000
CREATE_NEW = 1
OPEN_EXISTING = 3
_SHARE_ALL = 7  # others may read, write and delete meanwhile
_BACKUP_SEMANTICS = 0x0200_0000  # without it no folder can be opened
_INVALID_HANDLE = ctypes.c_void_p(-1).value

ACCESS_DENIED = 5
SHARING_VIOLATION = 32
LOCK_VIOLATION = 33


def is_windows() -> bool:
    """Whether this is Windows."""
    return os.name == "nt"


@cache
def library(name: str) -> Any:
    """A library of Windows, such as ``kernel32``. Handles and pointers are as wide as the machine's."""
    loaded = ctypes.WinDLL(name, use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    if name == "kernel32":
        for function in ("CreateFileW", "GetCurrentProcess", "CreateJobObjectW", "LocalFree", "OpenProcess"):
            getattr(loaded, function).restype = ctypes.c_void_p
    return loaded


def last_error() -> OSError:
    """The error of the call before, with the ``errno`` and the class that Python gives it."""
    error: OSError = ctypes.WinError(ctypes.get_last_error())  # type: ignore[attr-defined,unused-ignore]
    return error


def require(done: object) -> None:
    """Raise :func:`last_error` where a call answered 0.

    :raises OSError: it did.
    """
    if not done:
        raise last_error()


@contextmanager
def opened(path: Path, access: int) -> Iterator[ctypes.c_void_p]:
    """A handle of an existing file or folder, which others may use meanwhile.

    :raises OSError: it can't be opened.
    """
    kernel32 = library("kernel32")
    handle = kernel32.CreateFileW(str(path), access, _SHARE_ALL, None, OPEN_EXISTING, _BACKUP_SEMANTICS, None)
    if handle == _INVALID_HANDLE:
        raise last_error()
    held = ctypes.c_void_p(handle)
    try:
        yield held
    finally:
        kernel32.CloseHandle(held)


def create_new(path: Path, attributes: Any) -> int:
    """The handle of a new file for reading and writing.

    :param attributes: its ``SECURITY_ATTRIBUTES``, from its first moment.
    :raises FileExistsError: a file of this name is there.
    :raises OSError: it can't be made.
    """
    handle = library("kernel32").CreateFileW(
        str(path), GENERIC_READ | GENERIC_WRITE, _SHARE_ALL, attributes, CREATE_NEW, 0, None
    )
    if handle == _INVALID_HANDLE:
        raise last_error()
    return int(handle)


class Overlapped(ctypes.Structure):
    """``OVERLAPPED``: where in a file a lock begins."""

    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", ctypes.c_uint32),
        ("offset_high", ctypes.c_uint32),
        ("event", ctypes.c_void_p),
    )
