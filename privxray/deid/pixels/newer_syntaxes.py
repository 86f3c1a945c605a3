"""Pixel data in the transfer syntaxes that pydicom 3.0 can't decode, made native before pydicom sees it.

* **JPEG XL** (PS3.5 8.2.15 and A.4.12), lossless, recompressed JPEG or lossy, by imagecodecs, which is the
  extra ``privxray[jpegxl]``: the decoder and its neighbours are 26 MB, and few archives hold such files yet.
* **Deflated Image Frame Compression** (PS3.5 8.2.16 and A.4.13): each frame deflated by itself (RFC 1951).

Decoders believe what a frame says of its size. Both ways here unfold into as many bytes as the data set's
rows and columns have, and not one more.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian

from privxray.deid.dicomfile.dictionary import DEFLATED_IMAGE_FRAME, JPEG_XL
from privxray.deid.pixels.trouble import (
    MAX_DECODED,
    MAX_FRAME,
    NO_JPEG_XL,
    NOT_DECODED,
    NOT_FRAMES,
    TOO_LARGE,
    JpegXlMissingError,
    PixelTroubleError,
)

if TYPE_CHECKING:
    from pydicom import Dataset

_DTYPES: Final = {8: np.uint8, 16: np.uint16}


def unfold(file: Dataset) -> None:
    """Make the pixel data of a file native, in place, where its transfer syntax is one of these.

    Colours of JPEG XL come as RGB, which is what its decoder gives (18181-1 section 8 ends with XYB undone).

    :raises PixelTroubleError: the frames are not as many or as large as the header says, or can't be decoded.
    :raises JpegXlMissingError: the extra is not installed.
    """
    syntax = file.file_meta.TransferSyntaxUID
    if syntax not in (*JPEG_XL, DEFLATED_IMAGE_FRAME):
        return
    rows, columns = int(file.Rows), int(file.Columns)
    samples, allocated = int(file.get("SamplesPerPixel") or 1), int(file.BitsAllocated)
    count = int(file.get("NumberOfFrames") or 1)
    bits = rows * columns * samples * allocated
    if rows * columns > MAX_FRAME or bits * count > 8 * MAX_DECODED:
        raise PixelTroubleError(TOO_LARGE)
    if not bits or count < 1:
        raise PixelTroubleError(NOT_FRAMES)
    streams = list(generate_frames(file.PixelData, number_of_frames=count))
    if len(streams) != count:
        raise PixelTroubleError(NOT_FRAMES)
    if syntax == DEFLATED_IMAGE_FRAME:
        native = _joined([_inflated(stream, (bits + 7) // 8) for stream in streams], bits)
    else:
        native = b"".join(_jpeg_xl(file, stream) for stream in streams)
        if samples == 3:
            file.PhotometricInterpretation, file.PlanarConfiguration = "RGB", 0
    file.PixelData = native + b"\0" * (len(native) % 2)
    file["PixelData"].VR = "OB" if allocated <= 8 else "OW"
    file["PixelData"].is_undefined_length = False
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _inflated(stream: bytes, size: int) -> bytes:
    """One frame's bytes; whoever deflated it may have padded the frame to an even number first."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        frame = inflater.decompress(stream, size + 2)
    except zlib.error:
        raise PixelTroubleError(NOT_DECODED) from None
    if not size <= len(frame) <= size + 1 or not inflater.eof:
        raise PixelTroubleError(NOT_FRAMES)
    return frame[:size]


def _joined(frames: list[bytes], bits: int) -> bytes:
    """Native frames follow each other without a gap, to the bit (PS3.5 8.1.1)."""
    if bits % 8 == 0:
        return b"".join(frames)
    each = [np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[:bits] for frame in frames]
    return np.packbits(np.concatenate(each), bitorder="little").tobytes()


def _jpeg_xl(file: Dataset, stream: bytes) -> bytes:
    try:
        from imagecodecs import jpegxl_decode
    except ImportError:
        raise JpegXlMissingError(NO_JPEG_XL) from None
    samples, allocated = int(file.get("SamplesPerPixel") or 1), int(file.BitsAllocated)
    if allocated not in _DTYPES or samples not in (1, 3) or int(file.get("PixelRepresentation") or 0):
        raise PixelTroubleError(NOT_DECODED)  # PS3.5 Table 8.2.15-1 has none of these
    size = (int(file.Rows), int(file.Columns), *((3,) if samples == 3 else ()))
    room: NDArray[Any] = np.empty(size, _DTYPES[allocated])
    try:
        # It compares the frame's size and type with the room before it decodes.
        decoded = jpegxl_decode(stream, out=room, numthreads=1)
    except Exception:  # noqa: BLE001 - imagecodecs raises several kinds, by what is wrong with the frame
        raise PixelTroubleError(NOT_DECODED) from None
    return np.ascontiguousarray(decoded).astype(room.dtype.newbyteorder("<")).tobytes()
