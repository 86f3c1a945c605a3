"""File names of a csv as they are spelled on the disk: Unicode has several encodings of one name.

macOS and archives that were made there write ``é`` as a letter and an accent (NFD); spreadsheets write one
character (NFC). Both look the same.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePosixPath


class SpellingOnDisk:
    """Finds names below a folder. Each folder is listed once, and only where a name is not there as typed.

    :param root: the folder that paths start from.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, relative: PurePosixPath) -> PurePosixPath:
        """The path as it is spelled on the disk; as typed where it is there as typed, or not at all.

        Where two other spellings are there, neither is meant more than the other: then as typed, too.

        :param relative: without ``..`` and not absolute.
        """
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
                    names.setdefault(unicodedata.normalize("NFC", other), []).append(other)
                self._listed[folder] = names
        except (OSError, ValueError):  # a name too long, or a folder that can't be listed
            return name
        spellings = self._listed[folder].get(unicodedata.normalize("NFC", name), [])
        return spellings[0] if len(spellings) == 1 else name
