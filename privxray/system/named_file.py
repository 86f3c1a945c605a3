"""A name at which a library that reads only named files finds bytes of ours."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privxray.system import private_files, win32

_NAME = "object.bin"


@contextmanager
def named_file(data: bytes) -> Iterator[str]:
    """A path at which ``data`` is found while the block runs.

    On Linux it is in memory. Elsewhere it is a private file in a private folder for temporary files. On
    Windows the block runs in that folder, for a library in C++ may not understand an umlaut in the path.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("privxray", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "wb", closefd=False) as stream:
                stream.write(data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _NAME)
        with os.fdopen(private_files.open_new(path, private_files.PRIVATE), "wb") as stream:
            stream.write(data)
        if not win32.is_windows():
            yield str(path)
            return
        with contextlib.chdir(folder):
            yield _NAME
