"""One DICOM file to display grey: the grey-scale pipeline of PS3.4 N.2 for a single monochrome frame.

Stored values -> modality LUT or rescale (PS3.3 C.11.1) -> VOI LUT or window (C.11.2) -> MONOCHROME1 inverted
(C.7.6.3.1.2) -> 0 to 255. Where a file offers several, its first window or LUT is taken, and a LUT before a
window, as its writer's better knowledge of the image. The window's own output range becomes 0 to 255.

Where a file has neither, the standard says that the values are shown as they are. For 8 bits that is done.
Deeper images seldom fill their bits and would come out nearly black, so they are stretched from the smallest
to the largest value, padding (C.7.5.1.1.2) left out. The rule looks at the one image only, so what a
patient contributes never depends on another.

pydicom and its decoders quote values in exceptions, warnings and log lines; none of those gets out of here.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_modality_lut, apply_voi
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from privxray.deid import tags
from privxray.deid.dicomfile.codestreams import frame_size, silence
from privxray.deid.dicomfile.element import EXPLICIT_LITTLE, DamagedError
from privxray.deid.dicomfile.element_reader import ElementReader
from privxray.errors import MalformedError
from privxray.imaging.grey import MAX_BYTES, MAX_PIXELS, Grey, malformed, stretch

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_START = 132
NOT_DECODED = "this DICOM image can't be decoded"
_MANY_PIXELS = "more than 100 million pixels"
_CHUNK = 1 << 20
_RLE_HEADER = 64
CODED = {*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes}


def display_dicom(data: bytes, *, name: str) -> Grey:
    """The image of a DICOM file, float32 ``[rows, columns]`` from 0 to 255.

    :raises MalformedError: it is damaged, holds no pixels, several frames or colour, is too large, or needs a
        decoder that is not there.
    """
    with silence():
        try:
            return _display(data, name)
        except MalformedError:
            raise
        except Exception:  # noqa: BLE001 - pydicom and four decoders raise whatever a damaged file leads to
            raise malformed(NOT_DECODED, name) from None


def patient_id(data: bytes) -> str:
    """(0010,0020) of a DICOM file, stripped; empty where it has none or can't be read.

    The caller must keep it out of every text.
    """
    with silence():
        try:
            guard_inflation(data, "")
            file = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=["PatientID"])
            return str(file.get("PatientID", "")).strip()
        except Exception:  # noqa: BLE001 - as above; the check or the decoder says what is wrong with it
            return ""


def _display(data: bytes, name: str) -> Grey:
    guard_inflation(data, name)
    file = pydicom.dcmread(BytesIO(data))
    _expect_single_frame(file, name)
    _guard_codestream(file, name)
    stored = file.pixel_array
    if stored.shape != (file.Rows, file.Columns):
        raise malformed("its pixels don't fill the rows and columns that it names", name)
    padding = _padding(file, stored)
    values = apply_modality_lut(stored, file).astype(np.float32)
    if not np.isfinite(values).all():
        raise malformed("its rescale gives values that are no numbers", name)
    grey = _through_voi(file, stored, values, padding)
    if file.PhotometricInterpretation == "MONOCHROME1":
        grey = 255 - grey
    if padding is not None:
        grey[padding] = 0  # what surrounds a collimated image is shown black (PS3.3 C.7.5.1.1.2)
    return grey


def _expect_single_frame(file: Any, name: str) -> None:
    if "PixelData" not in file:
        raise malformed("it holds no pixel data", name)
    if file.get("NumberOfFrames") not in (None, 0, 1):
        raise malformed("it holds several frames, and one is needed", name)
    colour = str(file.get("PhotometricInterpretation", ""))
    if file.get("SamplesPerPixel", 1) != 1 or colour not in ("MONOCHROME1", "MONOCHROME2"):
        raise malformed("it is not monochrome", name)
    rows, columns = int(file.Rows), int(file.Columns)
    if not rows or not columns:
        raise malformed("it has no rows or no columns", name)
    if rows * columns > MAX_PIXELS:
        raise malformed(_MANY_PIXELS, name)


def _through_voi(file: Any, stored: Any, values: Grey, padding: Any) -> Grey:
    table = (file.get("VOILUTSequence") or [None])[0]
    if table is not None:
        modality_out = apply_modality_lut(stored, file)
        shown = apply_voi(np.rint(modality_out).astype(np.int64), file, index=0)
        return stretch(shown.astype(np.float32), 0, 2 ** _lut_bits(file, table) - 1)
    if file.get("WindowCenter") is not None and file.get("WindowWidth") is not None:
        centre, width = _first(file.WindowCenter), _first(file.WindowWidth)
        return _windowed(values, centre, width, str(file.get("VOILUTFunction") or "LINEAR"))
    if file.BitsStored <= 8 and "RescaleSlope" not in file and "ModalityLUTSequence" not in file:
        low = -(2.0 ** (file.BitsStored - 1)) if file.PixelRepresentation else 0.0
        return stretch(values, low, low + 2.0**file.BitsStored - 1)
    inside = values if padding is None or padding.all() else values[~padding]
    return stretch(values, float(inside.min()), float(inside.max()))


def _windowed(values: Grey, centre: float, width: float, function: str) -> Grey:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, with an output range of 0 to 255."""
    if function == "SIGMOID" and width > 0:
        curve: Grey = (255 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -80, 80)))).astype(
            np.float32
        )
        return curve
    if function == "LINEAR_EXACT" and width > 0:
        return stretch(values, centre - width / 2, centre + width / 2)
    if function == "LINEAR" and width > 1:
        return stretch(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)
    if function == "LINEAR" and width == 1:
        return np.where(values <= centre - 0.5, np.float32(0), np.float32(255))
    raise ValueError("no such window")


def _padding(file: Any, stored: Any) -> Any:
    """Where the stored value is padding, or None; the range has two ends in either order."""
    first = file.get("PixelPaddingValue")
    if first is None:
        return None
    last = file.get("PixelPaddingRangeLimit")
    low, high = sorted((int(first), int(first if last is None else last)))
    mask = (stored >= low) & (stored <= high)
    return mask if mask.any() else None


def _lut_bits(file: Any, table: Any) -> int:
    """How many bits a LUT's values have; descriptors that say 16 for values of 12 bits are common."""
    claimed = int(table.LUTDescriptor[2])
    if claimed <= 8:
        return 8
    data = table.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if file.original_encoding[1] else ">u2")
    return min(claimed, max(int(np.max(data)).bit_length(), 1))


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float, str)) else value[0])


def guard_inflation(data: bytes, name: str) -> None:
    """Refuse a deflated data set that would unfold without end; pydicom unfolds it all at once."""
    walker = ElementReader(data, _META_START, EXPLICIT_LITTLE, only_group=2)
    try:
        meta = {element.tag: element.value for element in walker.walk()}
    except DamagedError:
        raise malformed("its file meta can't be read", name) from None
    if meta.get(tags.TRANSFER_SYNTAX_UID, b"").strip(b" \0") != _DEFLATED:
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    total, rest = 0, data[walker.position :]
    while rest and not inflater.eof:
        total += len(inflater.decompress(rest, _CHUNK))
        rest = inflater.unconsumed_tail
        if total > MAX_BYTES:
            raise malformed("its deflated data set unfolds to more than 1 GiB", name)


def _guard_codestream(file: Any, name: str) -> None:
    """Refuse a compressed frame whose own size differs from the header's: decoders believe the frame."""
    syntax = file.file_meta.TransferSyntaxUID
    if syntax != RLELossless and syntax not in CODED:
        return
    frame = get_frame(file.PixelData, 0, number_of_frames=1)
    if syntax == RLELossless:
        # Run lengths grow an image by 1 in 128 at worst; more is there only to unfold to something else.
        if len(frame) > _RLE_HEADER + 2 * file.Rows * file.Columns * (file.BitsAllocated // 8):
            raise malformed(NOT_DECODED, name)
        # pylibjpeg's decoder panics on damaged runs, which prints to stderr and is no Exception.
        file.pixel_array_options(decoding_plugin="pydicom")
    elif frame_size(frame) != (file.Rows, file.Columns):
        raise malformed("its compressed pixels have another size than its header says", name)
