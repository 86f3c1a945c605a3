"""The file that a cell of the csv means.

A cell may name a file as it is on the disk, in another encoding of Unicode, without its extension (or with
one that the file lacks), or without the folders above it. What is there exactly as typed always counts first.

Unicode has several encodings of one name. macOS and archives that were made there write ``é`` as a letter and
an accent (NFD); spreadsheets write one character (NFC). Both look the same.

Tested in tests/unit/test_imaging_labels.py.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

_EXTENSIONS = (".dcm", ".dicom", ".dic", ".ima", ".jpg", ".jpeg", ".png")


class AmbiguousNameError(Exception):
    """Several files are meant as much as each other."""


class FileNames:
    """Finds files below a folder, and in zips there. Nothing is listed if all names are there as typed.

    :param root: the folder that paths start from.
    :param names_in_zips: gives the paths of the files that lie in zips.
    """

    def __init__(self, root: Path, names_in_zips: Callable[[], Iterable[PurePosixPath]] = tuple) -> None:
        self._root = root
        self._names_in_zips = names_in_zips
        self._listed: dict[Path, dict[str, list[str]]] = {}
        self._by_name: dict[str, list[PurePosixPath]] | None = None

    def find(self, relative: PurePosixPath) -> PurePosixPath:
        """The path as it is spelled on the disk; as typed where nothing fits it.

        :param relative: without ``..`` and not absolute.
        :raises AmbiguousNameError: it is not there as typed, and several files fit it.
        """
        spelled = self._as_spelled(relative)
        if _is_there(self._root / spelled):
            return spelled
        if relative in self._in_zips:
            return relative
        found = self._elsewhere(relative)
        if len(found) > 1:
            raise AmbiguousNameError
        return found[0] if found else spelled

    def _as_spelled(self, relative: PurePosixPath) -> PurePosixPath:
        """The path in the encoding of the disk; as typed where two other encodings of it are there."""
        found = PurePosixPath()
        for part in relative.parts:
            found /= self._spelled(self._root / found, part)
        return found

    def _spelled(self, folder: Path, name: str) -> str:
        try:
            if os.path.lexists(folder / name) or name.isascii():
                return name
            if folder not in self._listed:
                names: dict[str, list[str]] = {}
                for other in os.listdir(folder):
                    names.setdefault(_nfc(other), []).append(other)
                self._listed[folder] = names
        except (OSError, ValueError):  # a name too long, or a folder that can't be listed
            return name
        spellings = self._listed[folder].get(_nfc(name), [])
        return spellings[0] if len(spellings) == 1 else name

    @cached_property
    def _in_zips(self) -> frozenset[PurePosixPath]:
        return frozenset(self._names_in_zips())

    def _elsewhere(self, relative: PurePosixPath) -> list[PurePosixPath]:
        """Files that end as a path does, with or without their extension."""
        if not relative.parts:
            return []
        if self._by_name is None:
            self._by_name = {}
            for path in self._all():
                self._by_name.setdefault(_nfc(path.name), []).append(path)
        above = [_nfc(part) for part in relative.parts[:-1]]
        for names in _spellings(_nfc(relative.name)):
            fitting = [
                path
                for name in names
                for path in self._by_name.get(name, [])
                if not above or [_nfc(part) for part in path.parts[:-1]][-len(above) :] == above
            ]
            if fitting:
                return fitting
        return []

    def _all(self) -> Iterator[PurePosixPath]:
        yield from sorted(self._in_zips)
        for folder, folders, files in os.walk(self._root):
            folders.sort()
            inner = Path(folder).relative_to(self._root)
            for name in sorted(files):
                yield PurePosixPath(inner.as_posix()) / name


def _spellings(name: str) -> Iterator[list[str]]:
    """What a file may be called that a cell calls so, the likeliest first."""
    yield [name]
    stem, dot, end = name.rpartition(".")
    if dot and f".{end.lower()}" in _EXTENSIONS:
        yield [stem]
    else:
        yield [name + spelled for end in _EXTENSIONS for spelled in (end, end.upper())]


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
