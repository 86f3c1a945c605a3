"""Where on the disk the files are that a DICOMDIR names.

A medium's names are upper case; where a disk shows them in lower case, or with the ``;1`` of ISO 9660, they
are found as well. Nothing outside the folder is touched, whatever the index says, and no link is followed
out of it. Tested in tests/unit/test_deid_sources.py.
"""

from __future__ import annotations

import os
from pathlib import Path

from privxray.deid.sources.medium_index import Reference, leads_outside


class OutsideError(Exception):
    """A reference leads out of the folder of the index."""


def plain_name(name: str) -> str:
    """A name as media write it: without regard to case and version number."""
    return name.removesuffix(";1").rstrip(".").upper()


class OnMedium:
    """Finds files below the folder of an index.

    :param folder: the folder that the index lies in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = os.path.realpath(folder)
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, reference: Reference) -> Path | None:
        """The file; None where it is not there.

        :raises OutsideError: the reference leads out of the folder, by itself or by a link.
        """
        if leads_outside(reference):
            raise OutsideError
        path = self._folder
        for part in reference:
            name = self._name_in(path, part)
            if name is None:
                return None
            path /= name
        if not Path(os.path.realpath(path)).is_relative_to(self._root):
            raise OutsideError
        return None if path.is_dir() else path

    def _name_in(self, folder: Path, part: str) -> str | None:
        if os.path.lexists(folder / part):
            return part
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            try:
                for name in os.listdir(folder):
                    names.setdefault(plain_name(name), []).append(name)
            except OSError:
                pass  # what can't be listed is told by whoever walks the folder
            self._listed[folder] = names
        fitting = self._listed[folder].get(plain_name(part), [])
        return fitting[0] if len(fitting) == 1 else None
