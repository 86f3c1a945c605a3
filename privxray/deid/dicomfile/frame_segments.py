"""What compressed pixel data holds besides the picture: comments, application data, what follows its end.

JPEG and JPEG-LS (T.81 Annex B, T.87): the APPn and COM segments. JPEG 2000 (T.800 Annexes A and I): the COM
segments, and the boxes of a JP2 file around the codestream, which DICOM does not allow but files have. Of any
other kind, such as MPEG and RLE: its first bytes. Nothing is decoded. A damaged stream ends where it stops
making sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from privxray.deid.dicomfile.element import Data

_ITEM: Final = b"\xfe\xff\x00\xe0"
_HEAD: Final = 1 << 17  # more than the longest segment
_OTHER: Final = 4096
_BEGINNINGS: Final = (b"\xff\xd8", b"\xff\x4f", b"\0\0\0\x0cjP  ")
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_COM, _SOS, _EOI = 0xFE, 0xDA, 0xD9
_COM_2000, _SOT, _SOD, _EOC = 0x64, 0x90, 0x93, 0xD9
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def non_picture_parts(data: Data, start: int, end: int, *, whole: bool) -> Iterator[bytes]:
    """The parts of encapsulated pixel data that are not the picture; none of native pixel data.

    :param start: where the element's value and so its first item begins (PS3.5 A.4).
    :param end: where the value ends.
    :param whole: look behind the first scan or tile of each frame too, for which all of it must be read.
    """
    table, *fragments = fragment_places(data, start, end) or [(0, 0)]
    yield data[slice(*table)]
    frame: list[bytes] = []
    for begin, stop in fragments:
        known = data[begin : begin + 8].startswith(_BEGINNINGS)
        if known:
            yield from _of_frame(b"".join(frame), whole=whole)
            frame = []
        most = _HEAD if known or frame else _OTHER
        frame.append(data[begin : stop if whole and (known or frame) else min(stop, begin + most)])
    yield from _of_frame(b"".join(frame), whole=whole)


def fragment_places(data: Data, start: int, end: int) -> list[tuple[int, int]]:
    """Where the items of encapsulated pixel data lie, the offset table first; none for native pixel data."""
    places = []
    while data[start : start + 4] == _ITEM and start + 8 <= end:
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        places.append((start + 8, min(start + 8 + length, end)))
        start += 8 + length
    return places


def _of_frame(stream: bytes, *, whole: bool) -> Iterator[bytes]:
    begin = stream.find(_CODESTREAM, 0, _HEAD)
    if stream.startswith(b"\xff\xd8"):
        yield from _jpeg(stream, whole=whole)
    elif begin >= 0:
        yield stream[:begin]
        yield from _jpeg_2000(stream, begin + 2, whole=whole)
    else:
        yield stream[:_OTHER]


def _jpeg(stream: bytes, *, whole: bool) -> Iterator[bytes]:
    position = 2
    while position + 2 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker == 0xFF or marker in _ALONE:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _EOI:
            yield stream[position + 2 :]
            return
        body, position = (
            position + 4,
            position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big"),
        )
        if marker == _COM or 0xE0 <= marker <= 0xEF:
            yield stream[body:position]
        if marker == _SOS:
            found = _MARKER.search(stream, position) if whole else None
            if found is None:
                return
            position = found.start()


def _jpeg_2000(stream: bytes, position: int, *, whole: bool) -> Iterator[bytes]:
    tile_end = 0
    while position + 2 <= len(stream) and stream[position] == 0xFF:
        marker, body = stream[position + 1], position + 4
        length = int.from_bytes(stream[position + 2 : body], "big")
        if marker == _EOC:
            yield stream[position + 2 :]
            return
        if marker == _COM_2000:
            yield stream[body + 2 : position + 2 + length]
        elif marker == _SOT:
            if not whole:
                return
            size = int.from_bytes(stream[body + 2 : body + 6], "big")
            tile_end = position + size if size else len(stream)  # 0: to the end, in the last tile (A.4.2)
        if marker != _SOD:
            position += 2 + length
        elif tile_end > position:
            position = tile_end
        else:
            return
