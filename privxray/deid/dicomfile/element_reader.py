"""Reading data elements from bytes, strictly (DICOM PS3.5 section 7 and Annex A, PS3.10 section 7).

Why not ``pydicom.dcmread``? It is made to get an image out of a damaged file, so it is the wrong witness for
what is *not* in a file. pydicom keeps only the last of two elements with the same tag, stops at a stray
delimiter and leaves the rest unread, accepts values that are too short, and descends by recursion. Each of
these can hide bytes. Here every byte of the file is accounted for. A byte that can't be is a
:class:`DamagedError`, and the file fails. Only pydicom's dictionary is used. Some real files break the
standard: implicit VR inside an explicit data set, or a transfer syntax that names the wrong one of the two.
There this reader guesses as pydicom does, which decodes the image afterwards; a test compares the two.

Nothing is decoded. Values stay bytes, and pixel data is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from privxray.deid.dicomfile.dictionary import standard_vr
from privxray.deid.dicomfile.element import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_BIG,
    IMPLICIT_LITTLE,
    TEXT,
    DamagedError,
    Data,
    Element,
    Encoding,
)
from privxray.deid.dicomfile.open_level import OpenLevel, only_zeros
from privxray.deid.tags import (
    DATA_SET_TRAILING_PADDING,
    ITEM,
    ITEM_DELIMITATION_ITEM,
    SEQUENCE_DELIMITATION_ITEM,
    label,
)

MAX_DEPTH = 64
"""Deepest nesting that is read; a file with more is refused. Structured reports stay under 20."""

MAX_ELEMENTS = 4_000_000
"""Most data elements of one file, and most items. A slide of 100,000 frames stays well below."""


_PADDING_BYTES = b" \0\\^=\t\r\n"
_LONG_CODES = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
_SHORT_CODES = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_LONG = {code.encode(): code for code in _LONG_CODES.split()}
_SHORT = {code.encode(): code for code in _SHORT_CODES.split()}
_FRAGMENTED = frozenset({"OB", "OW", "OB or OW"})
_UNDEFINED = 0xFFFFFFFF

TRUNCATED = "the file ends in the middle of a data element, or a length points past its end"
NOT_ELEMENTS = "part of the file can't be read as DICOM data elements"
TOO_DEEP = f"sequences are nested more than {MAX_DEPTH} deep"
TOO_MANY = "the file has more data elements than this tool reads"


def is_representation(code: bytes) -> bool:
    """True for the two letters of a value representation (PS3.5 6.2)."""
    return code in _SHORT or code in _LONG


class ElementReader:
    """Yields every element from ``start`` to the end of ``data``; those of items follow their sequence.

    :param only_group: stop before the first top-level element of another group. The file meta is read so.
    :param as_told: believe ``encoding``, whatever the first element looks like.
    :param on_item: called with the prefix of each item, an empty one too, before the item's elements come.
    :ivar position: where reading stands; after the walk, the first byte that was not read.
    :ivar zeros: after the walk, True if nothing but zero bytes follows the last element.
    """

    def __init__(
        self,
        data: Data,
        start: int,
        encoding: Encoding,
        *,
        only_group: int | None = None,
        as_told: bool = False,
        on_item: Callable[[str], None] | None = None,
    ) -> None:
        self.position = start
        self.zeros = False
        self._data = data
        self._only_group = only_group
        self._on_item = on_item
        self._items = 0
        if not as_told:
            encoding = self._found(encoding, start, nested=False)
        self._stack = [OpenLevel("", encoding, len(data), len(data), items=False)]

    def walk(self) -> Iterator[Element]:
        """The elements, in the order of the file. It uses no recursion.

        :raises DamagedError: a byte can't be accounted for, sequences are nested deeper than
            :data:`MAX_DEPTH`, or there are more elements or more items than :data:`MAX_ELEMENTS`.
        """
        stack, data = self._stack, self._data
        count = 0
        while stack:
            level = stack[-1]
            start = self.position
            if start == level.end or (len(stack) == 1 and self._at_top_end(start, level.encoding)):
                stack.pop()
                continue
            if level.items:
                self._enter_item(level)
                continue
            encoding = level.encoding
            element: Element | None = None
            if encoding.explicit and start + 8 <= level.limit:
                # Most elements are short values in explicit VR: read here, for a call to each is too slow.
                group, number, code, length = encoding.explicit_header.unpack_from(data, start)
                stored = _SHORT.get(code)
                begin = start + 8
                end = begin + length
                standard = not group & 1 and group != 0xFFFE
                if stored is not None and standard and end <= level.limit:
                    tag = group << 16 | number
                    seen = level.seen
                    again = tag in seen
                    seen.add(tag)
                    self.position = end
                    if stored in TEXT:
                        value = data[begin:end]
                        filled = bool(value) and bool(value.strip(_PADDING_BYTES))
                        element = Element(tag, stored, stored, level.prefix, value, filled, again, begin, end)
                    else:
                        element = Element(
                            tag, stored, stored, level.prefix, b"", length > 0, again, begin, end
                        )
            if element is None:
                element = self._element(level)
                if element is None:
                    continue
            count += 1
            if count > MAX_ELEMENTS:
                raise DamagedError(TOO_MANY)
            yield element

    def _enter_item(self, level: OpenLevel) -> None:
        tag, length = self._bare_header(level)
        if tag == SEQUENCE_DELIMITATION_ITEM and level.end is None and length == 0:
            self._stack.pop()
            return
        if tag != ITEM:
            raise DamagedError(NOT_ELEMENTS)
        if len(self._stack) > 2 * MAX_DEPTH:
            raise DamagedError(TOO_DEEP)
        self._items += 1
        if self._items > MAX_ELEMENTS:
            raise DamagedError(TOO_MANY)
        end = self._end(level, length)
        encoding = self._found(level.encoding, self.position, nested=True)
        prefix = f"{level.prefix}[{level.index}]/"
        level.index += 1
        if self._on_item is not None:
            self._on_item(prefix)
        self._stack.append(OpenLevel(prefix, encoding, end, level.limit, items=False))

    def _element(self, level: OpenLevel) -> Element | None:
        data, start, encoding = self._data, self.position, level.encoding
        stored: str | None = None
        if encoding.explicit:
            if start + 8 > level.limit:
                raise DamagedError(TRUNCATED)
            group, number, code, length = encoding.explicit_header.unpack_from(data, start)
            tag = group << 16 | number
            if tag == ITEM_DELIMITATION_ITEM:
                self._leave_item(level)
                return None
            self.position = start + 8
            stored = _SHORT.get(code)
            if stored is None:
                stored = _LONG.get(code)
                if stored is None:
                    raise DamagedError(NOT_ELEMENTS)
                if start + 12 > level.limit:
                    raise DamagedError(TRUNCATED)
                (length,) = encoding.length.unpack_from(data, start + 8)
                self.position = start + 12
        else:
            tag, length = self._bare_header(level)
            if tag == ITEM_DELIMITATION_ITEM:
                self.position = start
                self._leave_item(level)
                return None
        if tag >> 16 == 0xFFFE:
            raise DamagedError(NOT_ELEMENTS)
        return self._value(level, tag, stored, length)

    def _value(self, level: OpenLevel, tag: int, stored: str | None, length: int) -> Element:
        known = standard_vr(tag)
        again = tag in level.seen
        level.seen.add(tag)
        vr = stored if stored is not None and stored != "UN" else known or "UN"
        # PS3.5 6.2.2: a UN of undefined length is a sequence in implicit little endian, whatever is around.
        guessed = length == _UNDEFINED and (stored == "UN" or (stored is None and known is None))
        if vr == "SQ" or guessed:
            inner = IMPLICIT_LITTLE if stored == "UN" else level.encoding
            end = self._end(level, length)
            filled = self._has_items(inner, end)
            self._stack.append(OpenLevel(level.prefix + label(tag), inner, end, level.limit, items=True))
            at = self.position
            creator = level.creators.get(tag >> 8)
            return Element(tag, "SQ", stored, level.prefix, b"", filled, again, at, at, creator)
        start = self.position
        if length == _UNDEFINED:
            if vr not in _FRAGMENTED:
                raise DamagedError(NOT_ELEMENTS)
            self._skip_fragments(level)
            return Element(tag, vr, stored, level.prefix, b"", True, again, start, self.position)
        end = start + length
        if end > level.limit:
            raise DamagedError(TRUNCATED)
        self.position = end
        if vr in TEXT or tag == DATA_SET_TRAILING_PADDING:  # padding is empty if all of it is zero
            value = self._data[start:end]
            filled = bool(value.strip(_PADDING_BYTES))
        else:
            value, filled = b"", length > 0
        if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF:  # a private creator (PS3.5 7.8.1)
            name = self._data[start : start + min(length, 64)].decode("latin-1").strip(" \0")
            level.creators[tag >> 16 << 8 | tag & 0xFF] = name
        creator = level.creators.get(tag >> 8) if tag & 0x10000 else None
        return Element(tag, vr, stored, level.prefix, value, filled, again, start, end, creator)

    def _leave_item(self, level: OpenLevel) -> None:
        if level.end is not None:
            raise DamagedError(NOT_ELEMENTS)
        _, length = self._bare_header(level)
        if length:
            raise DamagedError(NOT_ELEMENTS)
        self._stack.pop()

    def _skip_fragments(self, level: OpenLevel) -> None:
        while True:
            tag, length = self._bare_header(level)
            if tag == SEQUENCE_DELIMITATION_ITEM and length == 0:
                return
            if tag != ITEM or length == _UNDEFINED:
                raise DamagedError(NOT_ELEMENTS)
            self.position = self._end(level, length) or self.position

    def _bare_header(self, level: OpenLevel) -> tuple[int, int]:
        start = self.position
        if start + 8 > level.limit:
            raise DamagedError(TRUNCATED)
        group, number, length = level.encoding.implicit_header.unpack_from(self._data, start)
        self.position = start + 8
        return group << 16 | number, length

    def _end(self, level: OpenLevel, length: int) -> int | None:
        if length == _UNDEFINED:
            return None
        end = self.position + length
        if end > level.limit:
            raise DamagedError(TRUNCATED)
        return end

    def _has_items(self, encoding: Encoding, end: int | None) -> bool:
        if end is not None:
            return end > self.position
        if self.position + 4 > len(self._data):
            return False
        group, number = encoding.tag.unpack_from(self._data, self.position)
        return bool(group << 16 | number != SEQUENCE_DELIMITATION_ITEM)

    def _at_top_end(self, start: int, encoding: Encoding) -> bool:
        """True where the walk ends: at another group for the file meta, else at a tail of zero bytes."""
        data = self._data
        if self._only_group is not None:
            if start + 4 > len(data):
                return False
            group, _ = encoding.tag.unpack_from(data, start)
            return bool(group != self._only_group)
        if data[start : start + 4] == b"\0\0\0\0" or len(data) - start < 8:
            self.zeros = only_zeros(data, start)
            return self.zeros
        return False

    def _found(self, assumed: Encoding, start: int, *, nested: bool) -> Encoding:
        """The encoding that the first element shows, explicit or implicit; pydicom decides alike."""
        if nested and not assumed.explicit:
            return assumed
        code = self._data[start + 4 : start + 6]
        if len(code) < 2 or self._data[start : start + 2] in (b"\xfe\xff", b"\xff\xfe"):
            return assumed
        explicit = all(0x41 <= byte <= 0x5A for byte in code)
        if assumed.little:
            return EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE
        return EXPLICIT_BIG if explicit else IMPLICIT_BIG
