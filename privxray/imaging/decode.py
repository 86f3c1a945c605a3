"""One file, in memory, to one display-grey image: what a radiologist would see, as numbers from 0 to 255.

What a file is, its content decides and not its name. DICOM goes through
:mod:`privxray.imaging.dicom_display`; JPEG and PNG through Pillow here, colour reduced to its luma (ITU-R
601), since radiographs are often kept as RGB. More than 8 bits are stretched from the smallest to the
largest value of the image, for a 16-bit PNG does not say how many of its bits are in use; 8 bits are taken
as they are.

No error text holds a value from the file, nor a library's own words, which may quote one.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.judging.picture_scan import is_jpeg, is_png
from privxray.errors import MalformedError, SystemTroubleError
from privxray.imaging.grey import MAX_BYTES, MAX_PIXELS, Grey, malformed, stretch

SIZE = 260
"""Side of the canonical image in pixels."""

DECODER = "1"
"""Raised whenever the same bytes would give other pixels, so that nothing old is taken for new."""

_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}
_DEEP_MODES = {"I", "I;16", "I;16B", "I;16L"}


def decode(data: bytes, *, name: str) -> npt.NDArray[np.uint8]:
    """The canonical image, uint8 ``[260, 260]``: 0 is black, 255 white, bone is bright.

    The aspect is not kept: the network takes squares, and the public data set it was tried on is squashed
    as well. Larger images are averaged down (antialiased bilinear), smaller ones interpolated.

    :param name: the file's public name, for errors.
    :raises MalformedError: see :func:`display`.
    """
    return shrink(display(data, name=name), SIZE)


def decode_path(path: Path, name: str) -> npt.NDArray[np.uint8]:
    """As :func:`decode`, from a file.

    :raises SystemTroubleError: it is not there, larger than 1 GiB, no regular file, or can't be read.
    """
    if not path.exists():
        raise SystemTroubleError("there is no such file", file=name, advice="Check the path")
    try:
        data = read_whole(path)
    except UnreadFileError as trouble:
        raise SystemTroubleError(str(trouble), file=name) from None
    return decode(data, name=name)


def display(data: bytes, *, name: str) -> Grey:
    """The whole image, float32 ``[rows, columns]`` from 0 to 255, in its own size.

    :raises MalformedError: it is neither DICOM, JPEG nor PNG; it is damaged; it has no pixels, several
        frames, or (DICOM) colour; or it is too large.
    """
    if len(data) > MAX_BYTES:
        raise malformed("larger than 1 GiB", name)
    if is_dicom(data):
        from privxray.imaging.dicom_display import (
            display_dicom,  # pydicom is slow to import, and JPEG needs none
        )

        return display_dicom(data, name=name)
    if is_jpeg(data) or is_png(data):
        return _display_picture(data, name)
    raise malformed("neither DICOM (with its 128-byte preamble) nor JPEG nor PNG", name)


def shrink(grey: npt.NDArray[np.float32] | npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """A grey image from 0 to 255 as uint8 ``[size, size]``, resized with antialiased bilinear weights."""
    if grey.shape != (size, size):
        whole = Image.fromarray(np.ascontiguousarray(grey, dtype=np.float32))
        grey = np.asarray(whole.resize((size, size), Image.Resampling.BILINEAR))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _display_picture(data: bytes, name: str) -> Grey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's may quote a chunk of the file
        try:
            return _open_picture(data, name)
        except Image.DecompressionBombError:
            raise malformed("more than 100 million pixels", name) from None
        except MalformedError:
            raise
        except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever a damaged file leads them to
            raise malformed("this JPEG or PNG file is damaged", name) from None


def _open_picture(data: bytes, name: str) -> Grey:
    with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
        if picture.width * picture.height > MAX_PIXELS:  # known before anything is decoded
            raise malformed("more than 100 million pixels", name)
        if getattr(picture, "n_frames", 1) != 1:
            raise malformed("it holds several frames, and one is needed", name)
        if picture.mode in _DEEP_MODES:
            values = np.asarray(picture).astype(np.float32)
            return stretch(values, float(values.min()), float(values.max()))
        if picture.mode not in _MODES:
            raise malformed("its colours are of a kind that radiographs don't come in", name)
        return np.asarray(picture.convert("L")).astype(np.float32)
