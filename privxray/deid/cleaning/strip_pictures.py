"""JPEG and PNG copies without anything but the picture.

The compressed picture is copied byte for byte; segments and chunks that don't show it are left out, which is
what :mod:`privxray.deid.judging.picture_scan` would find fault with. Only a picture with text in it is
written anew, as a PNG, since a JPEG can't be changed in one place without loss in others.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from privxray.deid.judging.picture_scan import BROKEN_PICTURE, PNG_MAGIC
from privxray.deid.pixels.shades import PixelTroubleError, Samples
from privxray.deid.pixels.stored_pixels import MAX_FRAME, NOT_DECODED, TOO_LARGE, Box

_SOS, _EOI, _ADOBE = 0xDA, 0xD9, 0xEE
_SHOWS_PNG = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT bKGD pHYs".split())
_MODES = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB"}


def strip_jpeg(data: bytes) -> bytes:
    """A JPEG without application data, comments, thumbnails and what follows its end.

    What an Adobe segment says of the colours (twelve bytes) stays; without it they would be shown wrong.

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
    """A PNG with nothing but the chunks that show the picture.

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


class Picture:
    """The pixels of a JPEG or PNG file, with the methods of
    :class:`~privxray.deid.pixels.stored_pixels.Pixels` that matter.

    :raises PixelTroubleError: it can't be decoded, or is too large.
    """

    frames = 1

    def __init__(self, data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's may quote a chunk of the file
            try:
                self._frame = _opened(data)
            except PixelTroubleError:
                raise
            except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever a damaged file leads them to
                raise PixelTroubleError(NOT_DECODED) from None

    def for_reading(self) -> Iterator[Samples]:
        """The one frame, ``[rows, columns]`` or ``[rows, columns, 3]``."""
        yield self._frame

    def black(self, boxes: Sequence[Box]) -> None:
        """Black boxes, with the darkest value there is: many viewers stretch 16 bits from there."""
        dark = 0 if self._frame.dtype == np.uint8 else self._frame.min()
        for box in boxes:
            self._frame[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)] = dark

    def as_png(self) -> bytes:
        """The picture as it is now, without loss."""
        stream = BytesIO()
        Image.fromarray(self._frame).save(stream, "PNG")
        return strip_png(stream.getvalue())


def _opened(data: bytes) -> Samples:
    with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
        if picture.width * picture.height > MAX_FRAME:
            raise PixelTroubleError(TOO_LARGE)
        if picture.mode.startswith("I"):
            return np.array(picture).astype(np.uint16)
        return np.array(picture.convert(_MODES[picture.mode]))


def _end_of_scan(data: bytes, position: int) -> int:
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            raise PixelTroubleError(BROKEN_PICTURE)
        if data[position + 1] in (0x00, 0xFF, *range(0xD0, 0xD8)):
            position += 1 if data[position + 1] == 0xFF else 2
            continue
        return position
