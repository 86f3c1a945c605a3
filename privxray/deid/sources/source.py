"""What a person names as the place of images, for whoever looks images up by name (a csv of labels).

Tested in tests/unit/test_deid_sources.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources.gathered import Selection
from privxray.deid.sources.kinds import HEAD_OF_NAMED, is_zip
from privxray.deid.sources.medium_index import may_be_index
from privxray.deid.sources.selection import select
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_limits import REASONS
from privxray.errors import MalformedError
from privxray.naming.public_names import lone_name

_ADVICE: Final = "Unpack it yourself, look at what is in it, and name the folder"


class Source:
    """A folder, a DICOMDIR, or a zip. Nothing is listed before it is needed.

    :ivar path: what was named.
    :param on_disk_only: only a folder counts, and only files that lie in it by themselves.
    """

    def __init__(self, path: Path, *, on_disk_only: bool = False) -> None:
        self.path = path
        self._on_disk_only = on_disk_only

    @cached_property
    def selection(self) -> Selection:
        """All that is there to read.

        :raises UsageError: there is nothing of this name.
        :raises MalformedError: it is a zip that can't be read, or must not be.
        :raises SystemTroubleError: a folder can't be listed.
        """
        found = select([self.path])
        whole = [file for file in found.files if file.path == self.path and not file.inside]
        if whole and whole[0].trouble in REASONS:  # a zip
            raise MalformedError(
                whole[0].trouble,
                reason=REASONS[whole[0].trouble],
                file=lone_name(self.path, "a zip"),
                advice=_ADVICE,
            )
        return found

    @property
    def is_there(self) -> bool:
        """Whether it is a folder, or a file that stands for several."""
        if self._on_disk_only or not self.path.is_file():
            return self.path.is_dir()
        return is_zip(self._head) or self._is_index

    @property
    def folder(self) -> Path:
        """The folder that paths start from; for a zip, a path below which nothing is on the disk."""
        return self.path.parent if self.path.is_file() and self._is_index else self.path

    @cached_property
    def _head(self) -> bytes:
        try:
            return SourceFile.on_disk(self.path).head(HEAD_OF_NAMED)
        except UnreadFileError:
            return b""

    @property
    def _is_index(self) -> bool:
        return not is_zip(self._head) and may_be_index(self.path, self._head)

    @cached_property
    def in_zips(self) -> dict[PurePosixPath, SourceFile]:
        """The files that lie in zips, by their path below what was named."""
        if self._on_disk_only:
            return {}
        return {file.relative: file for file in self.selection.files if file.inside}

    def file(self, relative: PurePath) -> SourceFile:
        """The file at a path below what was named, whether or not there is one."""
        path = self.folder / relative
        if not path.is_file():
            found = self.in_zips.get(PurePosixPath(relative.as_posix()))
            if found is not None:
                return found
        return SourceFile(path, PurePosixPath(relative.as_posix()))

    def holds(self, relative: PurePosixPath) -> bool:
        """Whether there is a file at a path below what was named, and it does not lead out by a link."""
        try:
            found = (self.folder / relative).resolve()
            if found.is_file():
                return found.is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError):  # a name too long, a loop of links
            pass
        return relative in self.in_zips

    def names_in_zips(self) -> Iterable[PurePosixPath]:
        """The paths of all files that lie in zips."""
        return self.in_zips.keys()
