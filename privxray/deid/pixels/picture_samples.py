"""What Pillow does not give of a JPEG or PNG file: 16 bits in colour or with alpha, and which way is up."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image

from privxray.deid.pixels.layout import Samples
from privxray.deid.pixels.trouble import MAX_FRAME, TOO_LARGE, PixelTroubleError

UPRIGHT: Final = 1
"""The orientation of a picture that is shown as it is stored."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_ORIENTATION: Final = 0x0112
_SWAPS: Final = 5
_MOST: Final = 8

_IHDR: Final = slice(16, 29)  # the content of the first chunk; its type lies before it, its CRC behind
_DEPTH, _COLOUR = 24, 25
_GREY_ALPHA, _ALPHA = 4, 6
_DEEP_COLOURS: Final = (2, _GREY_ALPHA, _ALPHA)


def is_deep_colour(data: bytes) -> bool:
    """Whether it is a PNG of 16 bits with colour or alpha, of which Pillow gives the upper 8 bits only."""
    return data.startswith(_PNG) and data[_DEPTH] == 16 and data[_COLOUR] in _DEEP_COLOURS


def deep_colour(data: bytes) -> Samples:
    """The samples of such a PNG, uint16 ``[rows, columns, channels]``: grey and alpha, RGB, or RGB and alpha.

    :raises Exception: whatever Pillow raises for a damaged file.
    """
    if data[_COLOUR] == _GREY_ALPHA:
        # The bytes of grey and alpha lie as those of four channels of 8 bits do, filters and all.
        header = bytearray(data[_IHDR])
        header[8:10] = 8, _ALPHA
        crc = zlib.crc32(b"IHDR" + header)
        told = data[: _IHDR.start] + header + struct.pack(">I", crc) + data[_IHDR.stop + 4 :]
        with Image.open(BytesIO(told), formats=["PNG"]) as picture:
            halves = np.asarray(picture)
        return np.ascontiguousarray(halves).view(">u2").astype(np.uint16)
    # Told that the lower byte comes first, Pillow gives what it takes for the upper one.
    upper, lower = (_one_byte(data, order) for order in ("B", "L"))
    return upper.astype(np.uint16) << 8 | lower


def orientation(picture: Image.Image) -> int:
    """How a picture has to be turned to be shown, as EXIF numbers it; 1 where it says nothing readable.

    Call it once the pixels are loaded: a PNG may say it behind them.
    """
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif") or b"")
        value = exif.get(_ORIENTATION, UPRIGHT)
    except Exception:  # noqa: BLE001 - viewers ignore damaged EXIF data, of which Pillow raises several kinds
        return UPRIGHT
    return value if isinstance(value, int) and UPRIGHT <= value <= _MOST else UPRIGHT


def orientation_of(data: bytes) -> int:
    """The :func:`orientation` of a JPEG or PNG file; 1 where it is damaged, too.

    :raises PixelTroubleError: it is too large to be turned.
    """
    if b"Exif\0" not in data and b"eXIf" not in data:
        return UPRIGHT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's may quote a chunk of the file
        try:
            with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
                if data.startswith(_PNG) and picture.width * picture.height <= MAX_FRAME:
                    picture.load()
                return orientation(picture)
        except Image.DecompressionBombError:
            raise PixelTroubleError(TOO_LARGE) from None
        except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever a damaged file leads them to
            return UPRIGHT


def turned(samples: Samples, orientation: int) -> Samples:
    """The samples as they are shown (EXIF 2.3, tag 274), in memory of their own.

    :param samples: ``[rows, columns]`` or ``[rows, columns, channels]``.
    :param orientation: from 1 to 8; 6 is a quarter turn clockwise, 5 to 8 swap rows and columns.
    """
    if orientation >= _SWAPS:
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def png_of_deep_colour(samples: Samples) -> bytes:
    """A PNG of 16 bits in colour, which Pillow can't write.

    :param samples: uint16 ``[rows, columns, 3]``.
    """
    rows, columns, _ = samples.shape
    lines = np.zeros((rows, 1 + 6 * columns), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(rows, -1)
    header = struct.pack(">IIBBBBB", columns, rows, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return _PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _one_byte(data: bytes, order: str) -> Samples:
    with Image.open(BytesIO(data), formats=["PNG"]) as picture:
        codec, area, offset, _ = picture.tile[0]
        picture.tile = [type(picture.tile[0])(codec, area, offset, f"{picture.mode};16{order}")]
        return np.array(picture)
