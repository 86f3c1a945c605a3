"""The parts of a DICOM file: preamble, file meta information, and the data set (PS3.10 section 7).

The first two may be missing (:mod:`privxray.deid.dicomfile.no_meta`).

Whoever reads a file's elements does so through this module: the rules
(:mod:`privxray.deid.judging.dicom_scan`), the search for leaks (:mod:`privxray.deid.judging.leaks`) and the
making of copies (:mod:`privxray.deid.dicomfile.part10`). So all of them see the same elements.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from privxray.deid import tags
from privxray.deid.dicomfile.character_sets import plain_text
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
from privxray.deid.dicomfile.no_meta import (
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    bare_syntax,
    shown_encoding,
)

MAX_INFLATED: Final = 1 << 30
"""Most bytes that a deflated data set may unfold to."""

PREAMBLE_LENGTH: Final = 128
MAGIC: Final = b"DICM"

DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"

_HEAD: Final = 264
_META_STARTS: Final = (b"\2\0\0\0UL\4\0", b"\2\0\1\0OB\0\0", b"\2\0\2\0UI", b"\2\0\x10\0UI")

NO_META: Final = "the file meta can't be read"
NO_SYNTAX: Final = "the file meta names no transfer syntax that the standard knows"
NOT_INFLATED: Final = "the deflated data set can't be unfolded, or is too large"

# The last two also deflate the data set, whose pixels lie on a server (JPIP).
_DEFLATED: Final = frozenset(
    {DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"}
)


def is_dicom(data: Data) -> bool:
    """True if it starts like a DICOM file: with a preamble, or with file meta or a data set without one."""
    if data[PREAMBLE_LENGTH : PREAMBLE_LENGTH + 4] == MAGIC:
        return True
    head = data[:_HEAD]
    return head.startswith(_META_STARTS) or shown_encoding(head) is not None


class FileReader:
    """Yields the elements of one file: first those of the file meta, then those of the data set.

    :ivar data: what ``start`` and ``end`` of the data set's elements refer to: the file, or the unfolded data
        set.
    :ivar meta: the values of the file meta's text elements, by tag.
    :ivar after_preamble: where the file meta begins, or the data set of a file without: 0 without a preamble.
    :ivar bare_syntax: after :meth:`walk_meta`, the transfer syntax that the data set shows where no meta
        names one; else empty.
    :ivar zeros: after the walk, True if zero bytes follow the data set.

    All methods that read raise :class:`~privxray.deid.dicomfile.element.DamagedError` at the first byte that
    can't be accounted for.
    """

    def __init__(self, data: Data) -> None:
        self.data = data
        self.meta: dict[int, bytes] = {}
        self.zeros = False
        self._file = data
        self._start = 0
        if data[PREAMBLE_LENGTH : PREAMBLE_LENGTH + len(MAGIC)] == MAGIC:
            self._start = PREAMBLE_LENGTH + len(MAGIC)
        self.after_preamble = self._start
        self.bare_syntax = ""

    def has_blank_preamble(self) -> bool:
        """True if the preamble is all zero, or if there is none."""
        return not any(self._file[: min(self.after_preamble, PREAMBLE_LENGTH)])

    def walk_meta(self) -> Iterator[Element]:
        """The file meta's elements; none in a file without."""
        if self._at_data_set():
            self.bare_syntax = bare_syntax(self._file, self._start)
            return
        reader = ElementReader(self._file, self._start, EXPLICIT_LITTLE, only_group=2)
        for element in reader.walk():
            if not element.prefix:
                self.meta[element.tag] = element.value
            yield element
        if not self.meta:
            raise DamagedError(NO_META)
        self._start = reader.position
        if not plain_text(self.meta.get(tags.TRANSFER_SYNTAX_UID, b"")) and self._at_data_set():
            self.bare_syntax = bare_syntax(self._file, self._start)

    def _at_data_set(self) -> bool:
        return shown_encoding(self._file[self._start : self._start + _HEAD]) is not None

    @property
    def data_set_start(self) -> int:
        """After :meth:`walk_meta`, where the data set begins in the file."""
        return self._start

    def transfer_syntax(self) -> str:
        """The transfer syntax; call it after :meth:`walk_meta` came to its end."""
        if self.bare_syntax:
            return self.bare_syntax
        syntax = plain_text(self.meta.get(tags.TRANSFER_SYNTAX_UID, b""))
        if not is_transfer_syntax(syntax):
            raise DamagedError(NO_SYNTAX)
        return syntax

    def open_data_set(self, *, exact: bool = True, partial: bool = False) -> tuple[int, Encoding]:
        """Where the data set begins in ``data``, and how it is encoded (PS3.5 Annex A).

        :param exact: nothing may follow a deflated data set.
        :param partial: the file is known to be cut off, so a deflated data set may be too.
        """
        syntax = self.transfer_syntax()
        if syntax in _DEFLATED:
            self.data = _inflate(self._file[self._start :], exact=exact, partial=partial)
            return 0, EXPLICIT_LITTLE
        if syntax == EXPLICIT_VR_BIG_ENDIAN:
            return self._start, EXPLICIT_BIG
        return self._start, IMPLICIT_LITTLE if syntax == IMPLICIT_VR_LITTLE_ENDIAN else EXPLICIT_LITTLE

    def walk_data_set(self) -> Iterator[Element]:
        """The data set's elements; call it after :meth:`walk_meta` came to its end."""
        start, encoding = self.open_data_set()
        reader = ElementReader(self.data, start, encoding)
        yield from reader.walk()
        self.zeros = reader.zeros and reader.position < len(self.data)


def _inflate(deflated: bytes, *, exact: bool, partial: bool) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(deflated, MAX_INFLATED)
    except zlib.error:
        raise DamagedError(NOT_INFLATED) from None
    if not inflater.eof and not partial:
        raise DamagedError(NOT_INFLATED)
    # Some writers add the trailer of a gzip file, whose eight bytes follow from the data.
    trailer = struct.pack("<LL", zlib.crc32(data), len(data))
    if exact and inflater.unused_data.removeprefix(trailer).strip(b"\0"):
        raise DamagedError(NOT_INFLATED)
    return data
