"""The bytes of a file that nobody trusts: how many at most, from what, and mapped where it is large."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

from privxray.deid.dicomfile.element import Data

MAX_FILE = 1 << 30
"""Most bytes of a file that is read."""

MAPPED: Final = 4 << 20
"""Larger DICOM files are mapped rather than read, so that their pixel data stays on the disk."""

TOO_LARGE = "larger than 1 GiB"
NOT_READ = "the operating system does not let it be read"


class UnreadFileError(Exception):
    """A file whose bytes could not be had. The text is one of this module's fixed ones."""


def read_or_map(path: Path, *, mapped: bool) -> Data:
    """The bytes of a file of at most :data:`MAX_FILE`.

    :param mapped: a file above :data:`MAPPED` may be mapped. Whoever truncates it then kills this process, so
        only worker processes do it.
    :raises UnreadFileError: it is larger, not a regular file, or the operating system refuses.
    """
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise UnreadFileError(NOT_READ)
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MAX_FILE:
                raise UnreadFileError(TOO_LARGE)
            if mapped and size > MAPPED:
                return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            data = stream.read(MAX_FILE + 1)
    except (OSError, ValueError):
        raise UnreadFileError(NOT_READ) from None
    if len(data) > MAX_FILE:
        raise UnreadFileError(TOO_LARGE)
    return data


def read_whole(path: Path) -> bytes:
    """The bytes of a file of at most 1 GiB.

    :raises UnreadFileError: it is larger, not a regular file, or the operating system refuses.
    """
    return bytes(read_or_map(path, mapped=False))
