"""The files of a set, packed: an archive of ten million files is listed in the memory of one machine.

A file is about as many bytes as its path has, and 60 more; as an object it would be a thousand. Which files
are there already is remembered on the disk, by digests. Tested in tests/unit/test_deid_sources.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import TypeAlias, overload

from privxray.deid.sources.source_file import SourceFile
from privxray.workspace.disk_tables import FirstValues

NumberedFile: TypeAlias = tuple[int, SourceFile]
"""A file, and its place in the whole set, from 0."""


class PackedFiles(Sequence[SourceFile]):
    """Files that are added in any order and, once sorted, read in that of :attr:`SourceFile.order`."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._seen = FirstValues()
        self._added = 0

    def add(self, file: SourceFile, address: str) -> None:
        """Add a file, unless one with the same address is there.

        :param address: its :attr:`SourceFile.address`.
        """
        digest = blake2b(address.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        one, other = (int.from_bytes(half, "big", signed=True) for half in (digest[:8], digest[8:]))
        self._added += 1
        if self._seen.first(one, other, self._added) == self._added:
            self._packed.append(_pack(file))

    def sort(self) -> None:
        """Sort what was added."""
        self._packed.sort()

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, place: int) -> SourceFile: ...

    @overload
    def __getitem__(self, place: slice) -> list[SourceFile]: ...

    def __getitem__(self, place: int | slice) -> SourceFile | list[SourceFile]:
        if isinstance(place, slice):
            return list(map(_unpack, self._packed[place]))
        return _unpack(self._packed[place])


class NumberedFiles(Sequence[NumberedFile]):
    """Some of the files of a set, with their places in it.

    :param places: in the set, from 0.
    """

    def __init__(self, files: Sequence[SourceFile], places: range) -> None:
        self._files = files
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> NumberedFile: ...

    @overload
    def __getitem__(self, index: slice) -> list[NumberedFile]: ...

    def __getitem__(self, index: int | slice) -> NumberedFile | list[NumberedFile]:
        if isinstance(index, slice):
            return [(place, self._files[place]) for place in self._places[index]]
        place = self._places[index]
        return place, self._files[place]


def _pack(file: SourceFile) -> bytes:
    """A file as bytes, which sort as the orders of files do: no path on a disk has a zero in it.

    Of a file on the disk, all but its order is how long the end of it is that the user sees.
    """
    order, relative = file.order, str(file.relative)
    plain = not file.inner and not file.trouble and order.endswith(relative)
    rest = str(len(relative)) if plain else json.dumps(file.to_json())
    return f"{order}\0{rest}".encode("utf-8", "surrogatepass")


def _unpack(packed: bytes) -> SourceFile:
    order, _, rest = packed.decode("utf-8", "surrogatepass").rpartition("\0")
    if rest.startswith("["):
        return SourceFile.from_json(json.loads(rest))
    return SourceFile(Path(order), PurePosixPath(order[len(order) - int(rest) :]))
