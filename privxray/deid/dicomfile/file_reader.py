"""A DICOM file's parts: preamble, file meta, and the data set (PS3.10 section 7), inflated where need be.

Both the rules (:mod:`privxray.deid.judging.dicom_scan`) and the search for leaks
(:mod:`privxray.deid.judging.leaks`) read a file through this module, so that they see the same elements.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from privxray.deid import tags
from privxray.deid.dicomfile.dictionary import is_transfer_syntax
from privxray.deid.dicomfile.element import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    DamagedError,
    Data,
    Element,
    Encoding,
)
from privxray.deid.dicomfile.element_reader import ElementReader

MAX_INFLATED = 1 << 30
"""Most bytes that a deflated data set may unfold to."""

PREAMBLE_LENGTH = 128
MAGIC = b"DICM"

NO_SYNTAX = "the file meta names no transfer syntax that the standard knows"
NOT_INFLATED = "the deflated data set can't be unfolded, or is too large"
_PROBLEM_OF_META = "the file meta can't be read"

_IMPLICIT = "1.2.840.10008.1.2"
_BIG = "1.2.840.10008.1.2.2"
_DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})


def is_dicom(data: Data) -> bool:
    """Does it start like a DICOM file, with 128 bytes and the four letters after them?"""
    return data[PREAMBLE_LENGTH : PREAMBLE_LENGTH + 4] == MAGIC


class FileReader:
    """Yields the elements of one file, first those of the file meta, then those of the data set.

    :ivar data: the bytes that the spans of the data set's elements refer to: the file, or what was inflated.
    :ivar meta: the values of the file meta's text elements, by tag.
    :ivar zeros: after the walk, True when zero bytes follow the data set.

    The walks raise :class:`~privxray.deid.dicomfile.element.DamagedError` at the first byte that can't be
    accounted for.
    """

    def __init__(self, data: Data) -> None:
        self.data = data
        self.meta: dict[int, bytes] = {}
        self.zeros = False
        self._file = data
        self._start = PREAMBLE_LENGTH + len(MAGIC)

    def has_blank_preamble(self) -> bool:
        """Is the preamble all zero?"""
        return not any(self._file[:PREAMBLE_LENGTH])

    def walk_meta(self) -> Iterator[Element]:
        """The file meta's elements."""
        walker = ElementReader(self._file, self._start, EXPLICIT_LITTLE, only_group=2)
        for element in walker.walk():
            if not element.prefix:
                self.meta[element.tag] = element.value
            yield element
        if not self.meta:
            raise DamagedError(_PROBLEM_OF_META)
        self._start = walker.position

    def walk_data_set(self) -> Iterator[Element]:
        """The data set's elements; call it after :meth:`walk_meta` came to its end."""
        start, encoding = self._open()
        walker = ElementReader(self.data, start, encoding)
        yield from walker.walk()
        self.zeros = walker.zeros and walker.position < len(self.data)

    def _open(self) -> tuple[int, Encoding]:
        """Where the data set is and how it is written; unnamed kinds are explicit little (PS3.5 Annex A)."""
        syntax = self.meta.get(tags.TRANSFER_SYNTAX_UID, b"").decode("latin-1").strip(" \0")
        if not is_transfer_syntax(syntax):
            raise DamagedError(NO_SYNTAX)
        if syntax in _DEFLATED:
            self.data = self._inflate()
            return 0, EXPLICIT_LITTLE
        if syntax == _BIG:
            return self._start, EXPLICIT_BIG
        return self._start, IMPLICIT_LITTLE if syntax == _IMPLICIT else EXPLICIT_LITTLE

    def _inflate(self) -> bytes:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(self._file[self._start :], MAX_INFLATED)
        except zlib.error:
            raise DamagedError(NOT_INFLATED) from None
        rest = inflater.unused_data
        # Some writers add the trailer of a gzip file, whose eight bytes follow from the data.
        trailer = struct.pack("<LL", zlib.crc32(data), len(data))
        if not inflater.eof or rest.removeprefix(trailer).strip(b"\0"):
            raise DamagedError(NOT_INFLATED)
        return data
