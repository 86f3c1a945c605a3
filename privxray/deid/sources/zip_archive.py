"""A zip that nobody trusts: its entries, and the bytes of one of them. Nothing is unpacked to the disk.

The list of entries is held against the limits of :mod:`privxray.deid.sources.zip_limits` before any byte of
an entry is read. What an entry unfolds to is read piece by piece and never past the size that the list
states. CRC-32 is compared at the end.

A zip within a zip is the exception: it has to be read from its end, so it is unfolded into a temporary file
that has no name, or on Windows one that the system deletes when the process ends. A kill leaves nothing.

The four zips that were used last stay open until :func:`zips_closed`. Tested in tests/unit/test_deid_zips.py.
"""

from __future__ import annotations

import shutil
import stat
import struct
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeAlias

from privxray.deid.dicomfile.untrusted_bytes import MAX_FILE, TOO_LARGE, UnreadFileError
from privxray.deid.sources import zip_limits as limits
from privxray.deid.sources.zip_limits import UnreadArchiveError
from privxray.system.regular_files import open_regular

_END: Final = struct.Struct("<4s4H2LH")  # end of central directory record (APPNOTE 4.3.16)
_END_64: Final = struct.Struct("<4sQ2H2L4Q")  # the same of ZIP64 (4.3.14)
_LOCATOR: Final = struct.Struct("<4sLQL")  # where that is (4.3.15)
_LOCAL_HEADER: Final = 30
_MAX_COMMENT: Final = 0xFFFF
_ENCRYPTED: Final = 0x1 | 0x2000
_READ: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_DOCUMENTS: Final = frozenset({"[Content_Types].xml", "mimetype"})
_PIECE: Final = 1 << 20
_MOST_OPEN: Final = limits.MAX_DEPTH + 1

_Zip: TypeAlias = tuple[Path, int, int, int]
"""A path, and what tells whether the same file is still there."""

_open: dict[tuple[_Zip, tuple[int, ...]], ZipArchive] = {}


class ZipArchive:
    """An open zip.

    :raises UnreadArchiveError: it is damaged, or breaks a limit.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        try:
            size = stream.seek(0, 2)
            _expect_short_directory(stream, size)
            self._zip = zipfile.ZipFile(stream)
        except UnreadArchiveError:
            raise
        except Exception:  # noqa: BLE001 - zipfile raises whatever a damaged list of entries leads to
            raise UnreadArchiveError(limits.DAMAGED) from None
        self._entries = self._zip.infolist()
        _expect_bounded(self._entries, size)
        _expect_all_listed(self._entries, self._zip.start_dir)

    @property
    def is_document(self) -> bool:
        """Whether it is a document of an office program, such as .xlsx or .ods, which are zips as well."""
        return any(entry.filename in _DOCUMENTS for entry in self._entries)

    def files(self) -> list[tuple[int, PurePosixPath, str]]:
        """Every entry that is no folder: its position, its path, and why it must not be read (or nothing).

        A path that leads out of the zip is given as it is, but with a reason; nothing may be done with it.
        """
        found = [
            (place, *_path_of(entry)) for place, entry in enumerate(self._entries) if not _is_folder(entry)
        ]
        seen: Counter[PurePosixPath] = Counter()
        result = []
        for place, path, trouble in found:
            seen[path] += 1
            again = limits.TWICE if seen[path] > 1 else ""
            result.append((place, path, trouble or again or _trouble_of(self._entries[place])))
        return result

    def size(self, place: int) -> int:
        """How many bytes an entry has, as the list says."""
        return self._entry(place).file_size

    def read(self, place: int) -> bytes:
        """The bytes of an entry.

        :raises UnreadFileError: it is too large, damaged, encrypted, or breaks a limit.
        """
        entry = self._entry(place)
        if entry.file_size > MAX_FILE:
            raise UnreadFileError(TOO_LARGE)
        return self._bytes(entry, entry.file_size + 1)

    def head(self, place: int, size: int) -> bytes:
        """The first bytes of an entry, at most so many.

        :raises UnreadFileError: see :meth:`read`.
        """
        return self._bytes(self._entry(place), size)

    def unfold(self, place: int) -> IO[bytes]:
        """A temporary file with the bytes of an entry.

        :raises UnreadFileError: see :meth:`read`; or it is larger than a zip within a zip may be.
        """
        entry = self._entry(place)
        if entry.file_size > limits.MAX_INNER:
            raise UnreadArchiveError(limits.TOO_LARGE_INSIDE)
        target = tempfile.TemporaryFile()  # noqa: SIM115 - whoever gets it closes it
        try:
            with self._zip.open(entry) as stream:
                shutil.copyfileobj(stream, target, _PIECE)
            if target.tell() != entry.file_size:
                raise UnreadArchiveError(limits.ENTRY_DAMAGED)
        except UnreadArchiveError:
            raise
        except Exception:  # noqa: BLE001 - as above
            raise UnreadArchiveError(limits.ENTRY_DAMAGED) from None
        return target

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._stream.close()

    def _entry(self, place: int) -> zipfile.ZipInfo:
        if place >= len(self._entries):
            raise UnreadFileError(limits.CHANGED)
        entry = self._entries[place]
        trouble = _path_of(entry)[1] or _trouble_of(entry)
        if trouble:
            raise UnreadFileError(trouble)
        return entry

    def _bytes(self, entry: zipfile.ZipInfo, most: int) -> bytes:
        pieces = []
        left = most
        try:
            with self._zip.open(entry) as stream:
                while left and (piece := stream.read(min(left, _PIECE))):
                    pieces.append(piece)
                    left -= len(piece)
        except Exception:  # noqa: BLE001 - zipfile and three decompressors raise whatever damage leads to
            raise UnreadFileError(limits.ENTRY_DAMAGED) from None
        data = b"".join(pieces)
        if left and len(data) != entry.file_size:
            raise UnreadFileError(limits.ENTRY_DAMAGED)
        return data


@contextmanager
def zips_closed() -> Iterator[None]:
    """Let go of all zips at the end; also as a decorator: ``@zips_closed()``."""
    try:
        yield
    finally:
        while _open:
            _open.popitem()[1].close()


def opened(path: Path, inside: tuple[int, ...] = ()) -> ZipArchive:
    """The zip at a path, or a zip within it.

    :param inside: the position of the inner zip in the outer one, and so on.
    :raises UnreadFileError: it can't be opened, or must not be.
    """
    try:
        there = path.stat()
    except OSError:
        raise UnreadArchiveError(limits.CHANGED) from None
    return _opened((path, there.st_ino, there.st_size, there.st_mtime_ns), inside)


def _opened(zip_: _Zip, inside: tuple[int, ...]) -> ZipArchive:
    found = _open.pop((zip_, inside), None)
    if found is None:
        if inside:
            stream = _opened(zip_, inside[:-1]).unfold(inside[-1])
        else:
            try:
                stream = open_regular(zip_[0])
            except OSError:
                raise UnreadArchiveError(limits.DAMAGED) from None
        try:
            found = ZipArchive(stream)
        except UnreadArchiveError:
            stream.close()
            raise
    _open[zip_, inside] = found  # at the end, as the one that was used last
    while len(_open) > _MOST_OPEN:
        _open.pop(next(iter(_open))).close()
    return found


def _expect_short_directory(stream: IO[bytes], size: int) -> None:
    """Refuse a long list of entries before it is read: each entry takes half a kilobyte of memory."""
    start = max(size - _END.size - _MAX_COMMENT, 0)
    stream.seek(start)
    tail = stream.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise UnreadArchiveError(limits.DAMAGED)
    *_, entries, length, _, _ = _END.unpack_from(tail, at)
    locator = start + at - _LOCATOR.size
    if locator >= 0:
        stream.seek(locator)
        magic, _, place, _ = _LOCATOR.unpack(stream.read(_LOCATOR.size))
        if magic == b"PK\6\7" and place + _END_64.size <= size:
            stream.seek(place)
            found = _END_64.unpack(stream.read(_END_64.size))
            if found[0] == b"PK\6\6":
                entries, length = found[7], found[8]
    if entries > limits.MAX_ENTRIES or length > limits.MAX_DIRECTORY:
        raise UnreadArchiveError(limits.TOO_MANY)


def _expect_bounded(entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > limits.MAX_ENTRIES:
        raise UnreadArchiveError(limits.TOO_MANY)
    total = sum(entry.file_size for entry in entries)
    if total > limits.MAX_UNFOLDED or (total > limits.LARGE and total > size * limits.MAX_RATIO):
        raise UnreadArchiveError(limits.UNFOLDS)
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise UnreadArchiveError(limits.OVERLAPS)
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size


def _expect_all_listed(entries: list[zipfile.ZipInfo], start_of_list: int) -> None:
    """Refuse a zip with bytes that no entry has: a file that was taken off the list may still be there."""
    ends = 0
    places = [(entry.header_offset, entry.compress_size, len(entry.orig_filename)) for entry in entries]
    for start, size, name in [*sorted(places), (start_of_list, 0, 0)]:
        if start - ends > limits.MAX_GAP:
            raise UnreadArchiveError(limits.UNLISTED)
        ends = start + _LOCAL_HEADER + 4 * name + size


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    named = entry.orig_filename.endswith(("/", "\\")) or stat.S_ISDIR(entry.external_attr >> 16)
    return named and not entry.file_size  # with bytes in it, it is no folder, and may hide a file


def _path_of(entry: zipfile.ZipInfo) -> tuple[PurePosixPath, str]:
    """The path of an entry, and why it must not be used (or nothing)."""
    name = entry.orig_filename.replace("\\", "/")  # as some programs on Windows write it
    path = PurePosixPath(name)
    leaves = path.is_absolute() or ".." in path.parts or name[1:2] == ":" or not path.parts
    if leaves or any(ord(letter) < 0x20 for letter in name):
        return path, limits.OUTSIDE
    return path, ""


def _trouble_of(entry: zipfile.ZipInfo) -> str:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return limits.LINK
    if entry.flag_bits & _ENCRYPTED:
        return limits.ENCRYPTED
    if entry.compress_type not in _READ:
        return limits.COMPRESSION
    if entry.file_size > limits.LARGE and entry.file_size > entry.compress_size * limits.MAX_RATIO:
        return limits.ENTRY_UNFOLDS
    return ""
