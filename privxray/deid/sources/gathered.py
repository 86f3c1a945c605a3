"""What was found so far, while the files of a source are gathered.

Tested in tests/unit/test_deid_sources.py and tests/unit/test_deid_zips.py, by what is selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath, PurePosixPath
from typing import Final

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources.medium_index import Reference, references
from privxray.deid.sources.packed_files import PackedFiles
from privxray.deid.sources.source_file import SourceFile
from privxray.naming.public_names import public_name

REFERENCE_OUTSIDE: Final = "the DICOMDIR names a file outside its own folder, which is not followed"


@dataclass
class Selection:
    """What there is to read.

    :ivar files: sorted; a file that two paths lead to is there once. Those that can't be read are among them.
    :ivar passed_over: files that are no images, sorted.
    :ivar indexes: how many DICOMDIR there were, which are no images either.
    :ivar missing: files that a DICOMDIR names and that are not there, in public words.
    """

    files: Sequence[SourceFile] = ()
    passed_over: list[PurePosixPath] = field(default_factory=list)
    indexes: int = 0
    missing: tuple[str, ...] = ()


class Gathered:
    """Takes what is found, file by file.

    :ivar entries: how many files the zips so far have.
    """

    def __init__(self) -> None:
        self.entries = 0
        self._chosen = PackedFiles()
        self._passed_over: list[PurePosixPath] = []
        self._indexes: set[str] = set()
        self._missing: dict[PurePosixPath, int] = {}

    def selection(self) -> Selection:
        """All that was found."""
        missing = (
            public_name(path, number).replace("file #", "reference no. ")
            for path, number in self._missing.items()
        )
        self._chosen.sort()
        return Selection(
            self._chosen,
            sorted(self._passed_over),
            len(self._indexes),
            tuple(missing),
        )

    def choose(self, file: SourceFile, trouble: str = "", *, address: str = "") -> None:
        """Take a file as an image.

        :param trouble: why it can't be read, or must not be. :param address: its address, where it is known.
        """
        file = replace(file, trouble=trouble) if trouble else file
        self._chosen.add(file, address or file.address)

    def pass_over(self, file: SourceFile) -> None:
        """Take a file as no image."""
        self._passed_over.append(file.relative)

    def open_index(self, file: SourceFile) -> dict[Reference, bool] | None:
        """What a DICOMDIR names, which is then no image; None for what is none."""
        try:
            named = references(file.read_whole())
        except UnreadFileError:
            return None
        if named is not None:
            self._indexes.add(file.address)
        return named

    def is_index(self, file: SourceFile) -> bool:
        """Whether a file was opened as a DICOMDIR."""
        return file.address in self._indexes

    def miss(self, path: PurePosixPath, number: int) -> None:
        """Note a file that a DICOMDIR names and that is not there.

        :param number: its position, from 1, among the files that the DICOMDIR names.
        """
        self._missing.setdefault(path, number)

    def refuse(self, index: SourceFile, reference: Reference) -> None:
        """Count a reference of a DICOMDIR as a file that can't be read, so that it fails the check."""
        place = f"{index.inner}/reference/{'/'.join(reference)}"
        self.choose(replace(index, relative=PurePosixPath(".."), inner=place), REFERENCE_OUTSIDE)


def below(folder: PurePath, reference: Reference) -> PurePosixPath:
    """The path of a file that a DICOMDIR in a folder names."""
    return PurePosixPath(folder.as_posix(), *reference)
