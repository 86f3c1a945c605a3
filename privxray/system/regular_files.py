"""Opening a file whose path came from outside, without waiting for anybody.

Opening a named pipe waits until somebody writes into it, and a device may never end. So such a path is opened
only if it is a regular file: once before it is opened, for opening a device can have effects, and once
afterwards, for somebody may have put another file there meanwhile.
"""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

_FLAGS = ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT")  # as far as the system has them


class NotRegularError(OSError):
    """A pipe, a socket or a device."""


def open_regular(path: Path, *, follow_links: bool = True) -> BufferedReader:
    """Open a regular file for reading bytes.

    :param follow_links: whether a link to such a file is one.
    :raises NotRegularError: a pipe, a socket or a device, or a link that is not to be followed. It is not
        waited for.
    :raises IsADirectoryError: a folder.
    :raises OSError: the system refused.
    """
    _require_regular(path.stat(follow_symlinks=follow_links).st_mode, path)
    flags = os.O_RDONLY
    for name in _FLAGS if follow_links else (*_FLAGS, "O_NOFOLLOW"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    try:
        _require_regular(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path) -> bytes:
    """All bytes of a regular file; see :func:`open_regular`."""
    with open_regular(path) as stream:
        return stream.read()


def _require_regular(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "Is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise NotRegularError(22, "not a file, but a pipe, a socket or a device", str(path))
