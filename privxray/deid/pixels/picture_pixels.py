"""The pixels of a JPEG or PNG file: one frame to look at, and boxes to black."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from io import BytesIO

import numpy as np
from PIL import Image

from privxray.deid.pixels.box import Box
from privxray.deid.pixels.layout import Samples
from privxray.deid.pixels.picture_samples import (
    UPRIGHT,
    deep_colour,
    is_deep_colour,
    png_of_deep_colour,
    turned,
)
from privxray.deid.pixels.trouble import MAX_FRAME, NOT_DECODED, TOO_LARGE, PixelTroubleError

_MODES = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB"}
_COLOUR = 3


class PicturePixels:
    """The pixels of one picture, with the methods of :class:`~privxray.deid.pixels.dicom_pixels.DicomPixels`.

    :param data: the bytes of the file. What EXIF data in it says of its orientation is not heeded.
    :param orientation: how it has to be turned to be shown: then its pixels lie as they are shown.
    :raises PixelTroubleError: it can't be decoded, or is too large.
    """

    def __init__(self, data: bytes, orientation: int = UPRIGHT) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's may quote a chunk of the file
            try:
                self._frame = turned(_opened(data), orientation)
            except PixelTroubleError:
                raise
            except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever a damaged file leads them to
                raise PixelTroubleError(NOT_DECODED) from None

    def for_reading(self) -> Iterator[Samples]:
        """The one frame, ``[rows, columns]`` or ``[rows, columns, 3]``."""
        yield self._frame

    def black(self, boxes: Collection[Box]) -> None:
        """Black boxes. The value is the darkest that there is: many viewers stretch 16 bits from there."""
        dark = 0 if self._frame.dtype == np.uint8 else self._frame.min()
        for box in boxes:
            left, top, right, bottom = box.within(*self._frame.shape[:2])
            self._frame[top:bottom, left:right] = dark

    def as_png(self) -> bytes:
        """The picture as it is now, without loss, as a PNG file."""
        if self._frame.ndim == _COLOUR and self._frame.dtype == np.uint16:
            return png_of_deep_colour(self._frame)
        stream = BytesIO()
        Image.fromarray(self._frame).save(stream, "PNG")
        return stream.getvalue()

    def as_jpeg(self) -> bytes:
        """The picture as it is now, 8 bits deep, as a JPEG file of the least loss: about 1 of 255."""
        stream = BytesIO()
        Image.fromarray(self._frame).save(stream, "JPEG", quality=100, subsampling=0)
        return stream.getvalue()


def _opened(data: bytes) -> Samples:
    with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
        if picture.width * picture.height > MAX_FRAME:
            raise PixelTroubleError(TOO_LARGE)
        if is_deep_colour(data):
            samples = deep_colour(data)
            return samples[..., :3] if samples.shape[2] >= _COLOUR else samples[..., 0]
        if picture.mode.startswith("I"):
            return np.array(picture).astype(np.uint16)
        return np.array(picture.convert(_MODES[picture.mode]))
