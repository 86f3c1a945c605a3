"""Every frame of an image file, one at a time, as a search for text wants them: all that pixels can hold.

Not what a radiologist is shown (that is :mod:`privxray.imaging.decode`): no window is applied, colour stays,
every frame comes, and what a viewer hides comes as a plane of its own: the bits of a DICOM sample above and
below its stored ones, where old overlays lie (PS3.5 8.1.1, retired), and the alpha channel of a PNG. Planes
of group 60xx are not read; that such an overlay is there is a finding by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import RLELossless

from privxray.deid.dicomfile.codestreams import frame_size, silence
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.judging.picture_scan import is_jpeg, is_png
from privxray.imaging.dicom_display import CODED, NOT_DECODED, guard_inflation
from privxray.imaging.grey import MAX_BYTES, MAX_PIXELS, malformed

Pixels = npt.NDArray[np.generic]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_MANY = "more than 100 million pixels in a frame"


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture of a file.

    :param frame: its number, from 0.
    :param pixels: ``[rows, columns]``, or ``[rows, columns, 3]`` as red, green, blue; any number type.
        MONOCHROME1 is turned, so that larger is brighter.
    :param hidden: viewers don't show it.
    """

    frame: int
    pixels: Pixels
    hidden: bool = False


def planes(data: bytes, *, name: str) -> Iterator[Plane]:
    """The pictures of a DICOM, JPEG or PNG file in order; none for a DICOM file without pixels.

    One frame is in memory at a time, beside the file itself.

    :param name: the file's public name, for errors.
    :raises MalformedError: it is none of them, is damaged, too large, or needs a decoder that is not there.
        It may come after planes have.
    """
    if len(data) > MAX_BYTES:
        raise malformed("larger than 1 GiB", name)
    if is_dicom(data):
        kind, damaged = _dicom, NOT_DECODED
    elif is_jpeg(data) or is_png(data):
        kind, damaged = _picture, "this JPEG or PNG file is damaged"
    else:
        raise malformed("neither DICOM (with its 128-byte preamble) nor JPEG nor PNG", name)
    try:
        each = kind(data, name)
        while True:
            with silence(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plane = next(each, None)
            if plane is None:
                return
            yield plane
    except Image.DecompressionBombError:
        raise malformed(_MANY, name) from None
    except Exception as trouble:  # decoders raise whatever a damaged file leads them to
        if type(trouble).__module__ == "privxray.errors":
            raise
        raise malformed(damaged, name) from None


def _dicom(data: bytes, name: str) -> Iterator[Plane]:
    guard_inflation(data, name)
    file = pydicom.dcmread(BytesIO(data))
    if not any(keyword in file for keyword in _PIXELS):
        return
    rows, columns = int(file.Rows), int(file.Columns)
    if rows * columns * int(file.get("SamplesPerPixel", 1)) > 3 * MAX_PIXELS:
        raise malformed(_MANY, name)
    _guard_codestreams(file, rows, columns, name)
    options: dict[str, Any] = {}
    if file.file_meta.TransferSyntaxUID == RLELossless:
        options["decoding_plugin"] = "pydicom"  # as in imaging/dicom_display.py
    for number, frame in enumerate(iter_pixels(file, correct_unused_bits=False, **options)):
        yield from _of_frame(file, frame, number)


def _of_frame(file: Any, frame: Pixels, number: int) -> Iterator[Plane]:
    colours = str(file.get("PhotometricInterpretation", ""))
    if frame.ndim == 3 and frame.shape[2] != 3:
        frame = frame[..., 0] if frame.shape[2] < 3 else frame[..., :3]
    if colours == "PALETTE COLOR":
        yield Plane(number, apply_color_lut(frame, file)[..., :3])
        return
    if frame.ndim == 3 or frame.dtype.kind == "f" or file.BitsStored >= file.BitsAllocated:
        yield Plane(number, _upright(frame, colours))
        return
    yield from _by_bits(file, frame, number, colours)


def _by_bits(file: Any, frame: Pixels, number: int, colours: str) -> Iterator[Plane]:
    """The stored bits of each sample, and the others where they are more than a sign."""
    stored = int(file.BitsStored)
    shift = int(file.get("HighBit", stored - 1)) + 1 - stored
    raw: npt.NDArray[np.signedinteger[Any]] = frame.astype(np.int32 if file.BitsAllocated <= 16 else np.int64)
    values = (raw >> shift) & ((1 << stored) - 1)
    if file.PixelRepresentation == 1:
        values -= (values >> (stored - 1)) << stored
    yield Plane(number, _upright(values, colours))
    rest = (raw ^ (values << shift)) & ((1 << int(file.BitsAllocated)) - 1)
    if rest.min() != rest.max():
        yield Plane(number, ((rest != rest.min()) * 255).astype(np.uint8), hidden=True)


def _upright(frame: Pixels, colours: str) -> Pixels:
    if colours != "MONOCHROME1":
        return frame
    if frame.dtype.kind == "f":
        return np.negative(frame.astype(np.float64))
    return (int(frame.min()) + int(frame.max()) - frame.astype(np.int64)).astype(frame.dtype)


def _guard_codestreams(file: Any, rows: int, columns: int, name: str) -> None:
    """Refuse frames whose own size differs from the header's: decoders believe the frame."""
    syntax = file.file_meta.TransferSyntaxUID
    if syntax not in CODED:
        return
    count = int(file.get("NumberOfFrames") or 1)
    for frame in generate_frames(file.PixelData, number_of_frames=count):
        if frame_size(frame) != (rows, columns):
            raise malformed("its compressed pixels have another size than its header says", name)


def _picture(data: bytes, name: str) -> Iterator[Plane]:
    with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
        if picture.width * picture.height > MAX_PIXELS:  # known before anything is decoded
            raise malformed(_MANY, name)
        for number in range(int(getattr(picture, "n_frames", 1))):
            picture.seek(number)
            if picture.mode in ("I", "I;16", "I;16B", "I;16L", "F", "L"):
                yield Plane(number, np.asarray(picture))
                continue
            if picture.mode == "1":
                yield Plane(number, np.asarray(picture.convert("L")))
                continue
            layered = picture.convert("RGBA")
            shown = np.asarray(layered)
            yield Plane(number, np.ascontiguousarray(shown[..., :3]))
            if shown[..., 3].min() != shown[..., 3].max():
                yield Plane(number, np.ascontiguousarray(shown[..., 3]), hidden=True)
