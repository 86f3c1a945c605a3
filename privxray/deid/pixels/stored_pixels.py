"""The stored pixels of a DICOM file: frames to look at, and boxes to black (PS3.3 C.7.6.3, PS3.5 section 8).

Native pixels are changed where they lie, so that every sample outside a box keeps its bits. Compressed ones
are decoded and leave in Explicit VR Little Endian, the default that every reader of DICOM has: no second
codec has to be trusted, and what was written is what is read. They grow; only files with text in their pixels
do. What a lossy compression lost stays said in (0028,2110) (PS3.3 C.7.6.1.1.5).

Black is a value that displays as black and stretches no window: see :mod:`privxray.deid.pixels.shades`.

Decoders quote values in exceptions, warnings and log lines; none of those gets out of here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from privxray.deid import tags
from privxray.deid.dicomfile.codestreams import frame_size, silence
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.pixels.shades import NOT_FRAMES, PixelTroubleError, Samples, Shades

MAX_FRAME = 100_000_000
"""Most pixels of a frame."""

MAX_DECODED = 1 << 31
"""Most bytes that compressed pixel data may unfold to."""

NOT_DECODED = "its pixels can't be decoded, so nobody looked for text in them"
TOO_LARGE = "its pixel data is too large to be looked at"

_VIDEO = "1.2.840.10008.1.2.4.10"  # MPEG-2, MPEG-4 and HEVC: 100 to 108
_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 93, 203, 112))
_DTYPES = {8: "u1", 16: "<u2", 32: "<u4"}
_SMALLEST = (
    tags.SMALLEST_IMAGE_PIXEL_VALUE,
    tags.LARGEST_IMAGE_PIXEL_VALUE,
    tags.SMALLEST_PIXEL_VALUE_IN_SERIES,
    tags.LARGEST_PIXEL_VALUE_IN_SERIES,
)  # of image and series: wrong once pixels change


class Box(NamedTuple):
    """A rectangle of one frame, in pixels; right and bottom lie just outside."""

    frame: int
    left: int
    top: int
    right: int
    bottom: int


class Pixels:
    """The pixel data of one data set.

    :param tree: the data set; :meth:`black`, :meth:`cut` and :meth:`clear_unused_bits` change it.
    :param syntax: its transfer syntax.
    :param file: the bytes of the whole file as it came, for the decoders of compressed pixels.
    :ivar syntax: the transfer syntax that the data set needs now.
    :raises PixelTroubleError: it has no pixels, or not as many as it says.
    """

    def __init__(self, tree: Tree, syntax: str, file: bytes) -> None:
        self.syntax = syntax
        self._colour = ""  # of decoded frames; a decoder may have turned YBR into RGB
        self._tree = tree
        self._file = file
        node = tree.nodes.get(tags.PIXEL_DATA)
        if node is None:
            raise PixelTroubleError(NOT_FRAMES)
        self._node: Node = node
        self.rows, self.columns = tree.number(tags.ROWS) or 0, tree.number(tags.COLUMNS) or 0
        self.frames = tree.number(tags.NUMBER_OF_FRAMES) or 1
        self._samples = tree.number(tags.SAMPLES_PER_PIXEL) or 1
        self._allocated = tree.number(tags.BITS_ALLOCATED) or 0
        if (
            not self.rows
            or not self.columns
            or not self._allocated
            or self._samples not in (1, 3)
            or self.frames < 1
        ):
            raise PixelTroubleError(NOT_FRAMES)
        if self.rows * self.columns > MAX_FRAME:
            raise PixelTroubleError(TOO_LARGE)

    def for_reading(self) -> Iterator[Samples]:
        """One frame after the other, ``[rows, columns]`` or ``[rows, columns, 3]``, larger is brighter.

        Palette colours come as their grey values, 0 to 255; of YBR, the luma.

        :raises PixelTroubleError: they can't be decoded.
        """
        colour = self._tree.text(tags.PHOTOMETRIC_INTERPRETATION)
        for frame in self._decoded() if self._node.fragments else self._native():
            if self._shades.is_palette:
                yield self._shades.palette()[frame & self._shades.index_mask]
            elif colour == "MONOCHROME1":
                yield frame.max() - frame if frame.dtype.kind == "u" else ~frame
            elif frame.ndim == 3 and (self._colour or colour).startswith("YBR_"):
                yield frame[:, :, 0]
            else:
                yield frame

    def black(self, boxes: Sequence[Box]) -> None:
        """Black boxes in the stored pixels.

        :raises PixelTroubleError: the pixels can't be decoded, or are of a kind that can't be changed.
        """
        if self._node.fragments:
            self._unpack()
        samples = self._array().copy()
        for number in {box.frame for box in boxes}:
            value = self._shades.black(self._frame_of(samples, number))
            for box in boxes:
                if box.frame == number:
                    self._fill(samples, box, value)
        self._node.value = samples.tobytes()
        for tag in _SMALLEST:
            self._tree.nodes.pop(tag, None)

    def clear_unused_bits(self, *, always: bool) -> None:
        """Zero the bits that are not the sample's, where an overlay says that it lives there (PS3.5 8.1.2).

        :param always: also where none says so, in native pixels: what viewers hide nobody has searched.
        :raises PixelTroubleError: as :meth:`black`.
        """
        groups = [
            tag
            for tag in self._tree.nodes
            if tag & 0xFF00FFFF == tags.OVERLAY_BIT_POSITION & 0xFF00FFFF
            and self._tree.number(tag)
            and tag >> 16 & 1 == 0
        ]
        if not groups and (not always or self._node.fragments):
            return
        if self._samples != 1 or self._allocated not in _DTYPES:
            return
        if self._node.fragments:
            self._unpack()
        high = (self._tree.number(tags.HIGH_BIT) or self._allocated - 1) + 1
        low = high - (self._tree.number(tags.BITS_STORED) or high)
        used = (1 << high) - (1 << low)
        if used == (1 << self._allocated) - 1 or low < 0 or len(self._node.value) % (self._allocated // 8):
            return
        raw = np.frombuffer(self._node.value, _DTYPES[self._allocated])
        samples = raw & used
        if np.array_equal(raw, samples):
            return
        if self._tree.number(tags.PIXEL_REPRESENTATION):  # unused bits of a negative number are ones
            negative = samples & (1 << high - 1) != 0
            samples = np.where(negative, samples | (1 << self._allocated) - (1 << high), samples)
        self._node.value = samples.astype(_DTYPES[self._allocated]).tobytes()

    def cut(self) -> None:
        """Drop what native pixel data holds beyond its last sample; bytes there belong to no image."""
        if not self._node.fragments and (expected := self._expected()) < len(self._node.value):
            self._node.value = self._node.value[:expected]

    # Reading

    def _native(self) -> Iterator[Samples]:
        if self._allocated == 1:  # a segmentation; black() refuses it
            bits = np.unpackbits(np.frombuffer(self._node.value, np.uint8), bitorder="little")
            size = self.rows * self.columns
            if len(bits) < size * self.frames or self._samples != 1:
                raise PixelTroubleError(NOT_FRAMES)
            for number in range(self.frames):
                yield bits[number * size : (number + 1) * size].reshape(self.rows, self.columns) * np.uint8(
                    255
                )
            return
        array = self._array()
        for number in range(self.frames):
            yield self._as_picture(self._frame_of(array, number))

    def _decoded(self) -> Iterator[Samples]:
        """Frames as they are stored, colours not converted."""
        if self.syntax.startswith(_VIDEO):
            raise PixelTroubleError(NOT_DECODED)
        with silence():
            try:
                yield from self._decode()
            except PixelTroubleError:
                raise
            except Exception:  # noqa: BLE001 - four decoders raise whatever a damaged file leads them to
                raise PixelTroubleError(NOT_DECODED) from None

    def _decode(self) -> Iterator[Samples]:
        source = pydicom.dcmread(BytesIO(self._file))
        syntax = UID(self.syntax)
        for stream in generate_frames(source.PixelData, number_of_frames=self.frames):
            limit = 64 + 2 * self.rows * self.columns * self._samples * (self._allocated // 8)
            fits = len(stream) <= limit if syntax == RLELossless else frame_size(stream) == self._size()
            if not fits:  # decoders believe the frame, whatever the header says
                raise PixelTroubleError(NOT_FRAMES)
        # pylibjpeg's decoder of RLE panics on damaged runs, which prints to stderr and is no Exception.
        plugin = "pydicom" if syntax == RLELossless else ""
        count = 0
        decoder = get_decoder(syntax)
        for frame, properties in decoder.iter_array(source, raw=True, decoding_plugin=plugin):
            if frame.shape[:2] != self._size():
                raise PixelTroubleError(NOT_FRAMES)
            colour = str(properties["photometric_interpretation"])
            self._colour = "YBR_FULL" if colour == "YBR_FULL_422" else colour  # decoded, no pixel shares any
            count += 1
            yield frame
        if count != self.frames:
            raise PixelTroubleError(NOT_FRAMES)

    @property
    def _shades(self) -> Shades:
        return Shades(self._tree, self._allocated, self._samples)

    def _size(self) -> tuple[int, int]:
        return self.rows, self.columns

    def _array(self) -> Samples:
        """Native samples: ``[frames, rows, columns]`` and in colour a fourth axis where it is stored."""
        expected = self._expected()
        if self._allocated not in _DTYPES or len(self._node.value) < expected:
            raise PixelTroubleError(NOT_FRAMES)
        flat = np.frombuffer(self._node.value[:expected], _DTYPES[self._allocated])
        if self._tree.number(tags.PIXEL_REPRESENTATION):
            flat = flat.view(flat.dtype.str.replace("u", "i"))
        if self._is_halved():
            return flat.reshape(self.frames, self.rows, self.columns // 2, 4)
        if self._samples == 1:
            return flat.reshape(self.frames, self.rows, self.columns)
        if self._tree.number(tags.PLANAR_CONFIGURATION):
            return flat.reshape(self.frames, 3, self.rows, self.columns)
        return flat.reshape(self.frames, self.rows, self.columns, 3)

    def _expected(self) -> int:
        bits = self.rows * self.columns * self.frames * self._allocated
        bits *= 2 if self._is_halved() else self._samples
        return (bits + 7) // 8

    def _is_halved(self) -> bool:
        """YBR_FULL_422: two pixels share their colour, stored Y Y Cb Cr (PS3.3 C.7.6.3.1.2)."""
        return (
            self._tree.text(tags.PHOTOMETRIC_INTERPRETATION) in ("YBR_FULL_422", "YBR_PARTIAL_422")
            and not self._node.fragments
        )

    def _frame_of(self, array: Samples, number: int) -> Samples:
        if not 0 <= number < self.frames:
            raise PixelTroubleError(NOT_FRAMES)
        frame: Samples = array[number]
        return frame

    def _as_picture(self, frame: Samples) -> Samples:
        if self._is_halved():
            return frame[:, :, :2].reshape(self.rows, self.columns)
        return (
            np.moveaxis(frame, 0, -1)
            if self._samples == 3 and self._tree.number(tags.PLANAR_CONFIGURATION)
            else frame
        )

    # Changing

    def _unpack(self) -> None:
        """Replace compressed pixels by native ones."""
        size = self.rows * self.columns * self._samples * self.frames * (self._allocated // 8)
        if size > MAX_DECODED:
            raise PixelTroubleError(TOO_LARGE)
        frames = [np.ascontiguousarray(frame) for frame in self._decoded()]
        width = frames[0].dtype.itemsize * 8
        if width not in _DTYPES or (width != self._allocated and self._allocated > width):
            raise PixelTroubleError(NOT_DECODED)
        raw = b"".join(frame.astype(frame.dtype.newbyteorder("<")).tobytes() for frame in frames)
        self._allocated = width
        self._tree.put(tags.BITS_ALLOCATED, "US", width.to_bytes(2, "little"))
        self._node.value, self._node.fragments = raw, False
        self._node.vr = "OB" if width == 8 else "OW"
        self._tree.put(tags.PHOTOMETRIC_INTERPRETATION, "CS", self._colour)
        if self._samples == 3:
            self._tree.put(tags.PLANAR_CONFIGURATION, "US", b"\0\0")
        if self.syntax in _LOSSY:
            self._tree.put(tags.LOSSY_IMAGE_COMPRESSION, "CS", "01")
        self.syntax = str(ExplicitVRLittleEndian)

    def _fill(self, samples: Samples, box: Box, value: Samples) -> None:
        rows = slice(max(box.top, 0), max(box.bottom, 0))
        left, right = max(box.left, 0), max(box.right, 0)
        if self._is_halved():
            samples[box.frame, rows, left // 2 : (right + 1) // 2] = [value[0], value[0], value[1], value[2]]
        elif self._samples == 3 and self._tree.number(tags.PLANAR_CONFIGURATION):
            samples[box.frame, :, rows, left:right] = value[:, None, None]
        elif self._samples == 3:
            samples[box.frame, rows, left:right] = value
        else:
            samples[box.frame, rows, left:right] = value[0]
