"""JPEG and PNG files without anything but the picture.

The compressed picture is copied byte for byte. Segments and chunks that don't show it are left out:
:mod:`privxray.deid.judging.picture_scan` would find fault with them.
"""

from __future__ import annotations

from privxray.deid.judging.picture_scan import BROKEN_PICTURE
from privxray.deid.pixels.trouble import PixelTroubleError
from privxray.deid.sources.kinds import PNG_MAGIC

_SOS, _EOI, _ADOBE = 0xDA, 0xD9, 0xEE
_SHOWS_PNG = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT bKGD pHYs".split())


def strip_jpeg(data: bytes) -> bytes:
    """A JPEG (T.81 Annex B) without application data, comments, thumbnails and what follows its end.

    What an Adobe segment says of the colours (twelve bytes) stays: without it they would be shown wrong.

    :raises PixelTroubleError: its segments can't be read.
    """
    kept = [data[:2]]
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise PixelTroubleError(BROKEN_PICTURE)
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == _EOI:
            break
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _SOS:
            end = _end_of_scan(data, end)
        adobe = marker == _ADOBE and data[position + 4 : position + 9] == b"Adobe" and end - position == 16
        if adobe or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[position:end])
        position = end
    return b"".join((*kept, b"\xff\xd9"))


def strip_png(data: bytes) -> bytes:
    """A PNG (ISO/IEC 15948) with nothing but the chunks that show the picture.

    :raises PixelTroubleError: its chunks can't be read.
    """
    kept = [PNG_MAGIC]
    position = len(PNG_MAGIC)
    while position + 12 <= len(data):
        kind = data[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if end > len(data):
            break
        if kind in _SHOWS_PNG:
            kept.append(data[position:end])
        if kind == b"IEND":
            return b"".join(kept)
        position = end
    raise PixelTroubleError(BROKEN_PICTURE)


def _end_of_scan(data: bytes, position: int) -> int:
    """Where the next marker is that ends entropy-coded data; stuffed bytes and restart markers don't."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            raise PixelTroubleError(BROKEN_PICTURE)
        if data[position + 1] in (0x00, 0xFF, *range(0xD0, 0xD8)):
            position += 1 if data[position + 1] == 0xFF else 2
            continue
        return position
