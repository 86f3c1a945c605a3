"""The bytes of a file that nobody trusts: only of a regular file, not too many, mapped if there are many."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

from privxray.deid.dicomfile.element import Data
from privxray.system.regular_files import open_regular

MAX_FILE = 1 << 30
"""Most bytes of a file that is read."""

MAPPED: Final = 4 << 20
"""A DICOM file of more bytes may be mapped instead of read, so that its pixel data stays on the disk."""

TOO_LARGE = "larger than 1 GiB"
NOT_READ = "the operating system does not let it be read"


class UnreadFileError(Exception):
    """A file could not be read. The text is one of this module's fixed texts."""


def read_or_map(path: Path, *, mapped: bool) -> Data:
    """The bytes of a file.

    :param mapped: map a file of more than :data:`MAPPED` bytes. If somebody truncates it meanwhile, this
        process is killed, so only worker processes do it.
    :raises UnreadFileError: it has more than :data:`MAX_FILE` bytes, is not a regular file, or the operating
        system refuses.
    """
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise UnreadFileError(NOT_READ)
        with open_regular(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MAX_FILE:
                raise UnreadFileError(TOO_LARGE)
            if mapped and size > MAPPED:
                return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            # As many bytes as there are: Windows would set aside the whole GiB for each file, in seconds.
            data = stream.read(size + 1)
            if len(data) > size:  # it grew meanwhile
                data += stream.read(MAX_FILE + 1 - len(data))
    except (OSError, ValueError):
        raise UnreadFileError(NOT_READ) from None
    if len(data) > MAX_FILE:
        raise UnreadFileError(TOO_LARGE)
    return data


def forget(data: Data, start: int, end: int) -> None:
    """Let the memory of some bytes of a mapped file go; whoever reads them again reads the disk again.

    Without this the system keeps what was read until memory is short.
    """
    end = min(end, len(data))
    if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        if end > first:
            data.madvise(mmap.MADV_DONTNEED, first, end - first)


def read_whole(path: Path) -> bytes:
    """The bytes of a file, in memory.

    :raises UnreadFileError: it has more than :data:`MAX_FILE` bytes, is not a regular file, or the operating
        system refuses.
    """
    return bytes(read_or_map(path, mapped=False))
