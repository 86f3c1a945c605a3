"""Every picture that a file holds, one at a time, for the search for text: everything that pixels can show.

This is not what a radiologist is shown (that is :mod:`privxray.imaging.decode`). No window is applied,
colour stays, and every frame comes. What a viewer hides comes as a plane of its own: the bits of a DICOM
sample above and below its stored ones, where old overlays lie (PS3.5 8.1.1, retired), and the alpha channel
of a PNG. Overlay planes of group 60xx are not read: that there is one is a finding by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import iter_pixels

from privxray.deid.dicomfile.codestreams import silence
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.part10 import completed
from privxray.deid.pixels.compressed_frames import plugin_for
from privxray.deid.pixels.newer_syntaxes import unfold
from privxray.deid.pixels.picture_samples import deep_colour, is_deep_colour
from privxray.deid.pixels.trouble import JpegXlMissingError
from privxray.deid.sources.kinds import is_jpeg, is_png
from privxray.errors import MalformedError
from privxray.imaging.display.decoder_guards import guard_frames, guard_inflation
from privxray.imaging.display.limits import MAX_BYTES, MAX_PIXELS, AttributeTroubleError, unusable
from privxray.imaging.display.sample_bits import SampleBits

Values: TypeAlias = npt.NDArray[np.generic]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GREY_MODES = ("I", "I;16", "I;16B", "I;16L", "F", "L")


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture of a file.

    :ivar frame: the number of its frame, from 0.
    :ivar pixels: ``[rows, columns]``, or ``[rows, columns, 3]`` as red, green, blue; any number type.
        MONOCHROME1 is inverted, so that larger is brighter.
    :ivar hidden: viewers don't show it.
    """

    frame: int
    pixels: Values
    hidden: bool = False


def planes(data: bytes, *, name: str) -> Iterator[Plane]:
    """The pictures of a DICOM, JPEG or PNG file in order; none for a DICOM file without pixels.

    One frame is in memory at a time, beside the file itself.

    :param name: the file's public name, for errors.
    :raises MalformedError: it is none of them, is damaged, too large, or needs a decoder that is not
        installed. It may be raised after some planes were given.
    """
    if len(data) > MAX_BYTES:
        raise unusable(name, reason="image.too-large")
    if is_dicom(data):
        each, damaged = _planes_of_dicom(data, name), unusable(name, reason="image.not-decoded")
    elif is_jpeg(data) or is_png(data):
        each, damaged = _planes_of_picture(data, name), unusable(name, reason="image.picture-damaged")
    else:
        raise unusable(name, reason="image.other-kind")
    while (plane := _next(each, damaged, name)) is not None:
        yield plane


def _next(each: Iterator[Plane], damaged: MalformedError, name: str) -> Plane | None:
    """The next plane, or None at the end. Nothing that a decoder says gets out."""
    with silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return next(each, None)
        except MalformedError:
            raise
        except AttributeTroubleError as trouble:
            raise unusable(name, reason=trouble.reason, keyword=trouble.keyword) from None
        except JpegXlMissingError:
            raise unusable(name, reason="image.jpeg-xl") from None
        except Image.DecompressionBombError:
            raise unusable(name, reason="image.too-many-pixels") from None
        except Exception:  # noqa: BLE001 - decoders raise whatever a damaged file leads them to
            raise damaged from None


def _planes_of_dicom(data: bytes, name: str) -> Iterator[Plane]:
    data = completed(data)
    guard_inflation(data, name)
    file = pydicom.dcmread(BytesIO(data))
    if not any(keyword in file for keyword in _PIXELS):
        return
    rows, columns = int(file.Rows), int(file.Columns)
    if rows * columns * int(file.get("SamplesPerPixel", 1)) > 3 * MAX_PIXELS:
        raise unusable(name, reason="image.too-many-pixels")
    unfold(file)
    guard_frames(file, name)
    plugin = plugin_for(file.file_meta.TransferSyntaxUID)
    frames = iter_pixels(file, correct_unused_bits=False, decoding_plugin=plugin)
    for number, frame in enumerate(frames):
        yield from _planes_of_frame(file, frame, number)


def _planes_of_frame(file: Dataset, frame: Values, number: int) -> Iterator[Plane]:
    colours = str(file.get("PhotometricInterpretation", ""))
    if frame.ndim == 3 and frame.shape[2] != 3:
        frame = frame[..., 0] if frame.shape[2] < 3 else frame[..., :3]
    if colours == "PALETTE COLOR":
        yield Plane(number, apply_color_lut(frame, file)[..., :3])
    elif frame.ndim == 3 or frame.dtype.kind == "f" or file.BitsStored >= file.BitsAllocated:
        yield Plane(number, _larger_is_brighter(frame, colours))
    else:
        yield from _planes_of_bits(file, frame, number, colours)


def _planes_of_bits(file: Dataset, frame: Values, number: int, colours: str) -> Iterator[Plane]:
    """The stored bits of each sample (PS3.5 8.1.1), and the other bits where they are more than a sign."""
    bits = SampleBits.of(file)
    stored, shift = bits.stored, bits.shift
    raw: npt.NDArray[np.signedinteger[Any]] = frame.astype(np.int32 if file.BitsAllocated <= 16 else np.int64)
    values = (raw >> shift) & ((1 << stored) - 1)
    if file.PixelRepresentation == 1:
        values -= (values >> (stored - 1)) << stored
    yield Plane(number, _larger_is_brighter(values, colours))
    rest = (raw ^ (values << shift)) & ((1 << int(file.BitsAllocated)) - 1)
    if rest.min() != rest.max():
        yield Plane(number, ((rest != rest.min()) * 255).astype(np.uint8), hidden=True)


def _larger_is_brighter(frame: Values, colours: str) -> Values:
    if colours != "MONOCHROME1":
        return frame
    if frame.dtype.kind == "f":
        return np.negative(frame.astype(np.float64))
    return (int(frame.min()) + int(frame.max()) - frame.astype(np.int64)).astype(frame.dtype)


def _planes_of_picture(data: bytes, name: str) -> Iterator[Plane]:
    with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
        if picture.width * picture.height > MAX_PIXELS:  # known before anything is decoded
            raise unusable(name, reason="image.too-many-pixels")
        for number in range(int(getattr(picture, "n_frames", 1))):
            picture.seek(number)
            if is_deep_colour(data):
                yield from _planes_of_channels(deep_colour(data), number)
            elif picture.mode in _GREY_MODES:
                yield Plane(number, np.asarray(picture))
            elif picture.mode == "1":
                yield Plane(number, np.asarray(picture.convert("L")))
            else:
                yield from _planes_of_channels(np.asarray(picture.convert("RGBA")), number)


def _planes_of_channels(layered: Values, number: int) -> Iterator[Plane]:
    """Red, green and blue, or grey, and the alpha channel where it is not the same everywhere."""
    is_colour = layered.shape[2] >= 3
    yield Plane(number, np.ascontiguousarray(layered[..., :3] if is_colour else layered[..., 0]))
    alpha = layered[..., 3 if is_colour else 1 :]
    if alpha.size and alpha.min() != alpha.max():
        yield Plane(number, np.ascontiguousarray(alpha[..., 0]), hidden=True)
