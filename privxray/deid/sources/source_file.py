"""One file of a source: a file on the disk, or an entry of a zip, which is read where it lies.

Whoever reads an image does so through this class, so no other code needs to know where the image is.
Tested in tests/unit/test_deid_sources.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from privxray.deid.dicomfile.element import Data
from privxray.deid.dicomfile.untrusted_bytes import NOT_READ, UnreadFileError, read_or_map
from privxray.deid.sources.zip_archive import opened
from privxray.system.regular_files import open_regular


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is to be read.

    ``repr`` shows nothing, since each of its names may name a patient.

    :ivar path: on the disk: the file itself, or the outermost zip that it lies in.
    :ivar relative: its path below what the user named. A zip in between counts as a folder.
    :ivar inside: for an entry of a zip, its position there; in a zip within a zip, one number for each.
    :ivar inner: for an entry of a zip, its path below the outermost zip; unique there.
    :ivar trouble: a fixed text where it is known already that it can't be read, or must not be.
    """

    path: Path
    relative: PurePosixPath
    inside: tuple[int, ...] = ()
    inner: str = ""
    trouble: str = ""

    def __repr__(self) -> str:
        return "SourceFile()"

    @classmethod
    def on_disk(cls, path: Path, relative: PurePath | None = None) -> SourceFile:
        """A file on the disk; by itself where nothing says below what it lies."""
        return cls(path, PurePosixPath(path.name if relative is None else relative.as_posix()))

    @property
    def address(self) -> str:
        """Where it is, in one spelling: two files with the same address are the same."""
        real = os.path.realpath(self.path)
        if not self.inner:
            return real
        return f"{real}\0{self.inner}\0{self.inside}" if self.trouble else f"{real}\0{self.inner}"

    @property
    def order(self) -> str:
        """By this, files are sorted and numbered."""
        return f"{self.path.as_posix()}/{self.inner}" if self.inner else self.path.as_posix()

    def read(self, *, mapped: bool = False) -> Data:
        """Its bytes, at most :data:`~privxray.deid.dicomfile.untrusted_bytes.MAX_FILE`.

        :param mapped: see :func:`~privxray.deid.dicomfile.untrusted_bytes.read_or_map`; an entry of a zip is
            never mapped.
        :raises UnreadFileError: it can't be read, or must not be.
        """
        if self.trouble:
            raise UnreadFileError(self.trouble)
        if not self.inside:
            return read_or_map(self.path, mapped=mapped)
        return opened(self.path, self.inside[:-1]).read(self.inside[-1])

    def read_whole(self) -> bytes:
        """Its bytes, in memory.

        :raises UnreadFileError: see :meth:`read`.
        """
        return bytes(self.read())

    def head(self, size: int) -> bytes:
        """Its first bytes, at most so many.

        :raises UnreadFileError: see :meth:`read`.
        """
        if self.trouble:
            raise UnreadFileError(self.trouble)
        if self.inside:
            return opened(self.path, self.inside[:-1]).head(self.inside[-1], size)
        try:
            if not self.path.is_file():  # a pipe or a device would never end
                raise UnreadFileError(NOT_READ)
            with open_regular(self.path) as stream:
                return stream.read(size)
        except (OSError, ValueError):
            raise UnreadFileError(NOT_READ) from None

    def stamp(self) -> tuple[int, int]:
        """Its size in bytes and the time of its last modification in ns; for an entry that of the zip.

        :raises OSError: there is no such file.
        :raises UnreadFileError: the zip can't be read.
        """
        there = self.path.stat()
        if not self.inside or self.trouble:
            return there.st_size, there.st_mtime_ns
        return opened(self.path, self.inside[:-1]).size(self.inside[-1]), there.st_mtime_ns

    def to_json(self) -> list[Any]:
        """For a worker process or a record; see :meth:`from_json`."""
        plain = [str(self.path), self.relative.as_posix()]
        return [*plain, list(self.inside), self.inner, self.trouble] if self.inner or self.trouble else plain

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> SourceFile:
        """The inverse of :meth:`to_json`.

        :raises ValueError, TypeError: it is no such value.
        """
        path, relative, *rest = value
        inside, inner, trouble = rest or ((), "", "")
        return cls(Path(path), PurePosixPath(relative), tuple(inside), inner, trouble)
