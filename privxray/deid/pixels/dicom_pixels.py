"""The stored pixels of a DICOM file: frames to look at, and boxes to black (PS3.3 C.7.6.3, PS3.5 section 8).

Native pixels are changed where they lie, so that every sample outside a box keeps its bits. Compressed ones
are decoded and leave in Explicit VR Little Endian, the default that every reader of DICOM has. So no second
codec has to be trusted, and what was written is what is read. They grow, but only files with text in their
pixels do. That a compression was lossy stays said in (0028,2110) (PS3.3 C.7.6.1.1.5).

Black is a value that displays as black and stretches no window: see :mod:`privxray.deid.pixels.black_value`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Node, Tree
from privxray.deid.pixels import palette
from privxray.deid.pixels.black_value import black_value
from privxray.deid.pixels.box import Box
from privxray.deid.pixels.decoded_frames import decoded_frames
from privxray.deid.pixels.layout import DTYPES, Layout, Samples
from privxray.deid.pixels.trouble import MAX_DECODED, NOT_DECODED, NOT_FRAMES, TOO_LARGE, PixelTroubleError
from privxray.deid.pixels.unused_bits import has_embedded_overlay, without_unused_bits

_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 93, 203, 112))
_EXTREMES = (
    tags.SMALLEST_IMAGE_PIXEL_VALUE,
    tags.LARGEST_IMAGE_PIXEL_VALUE,
    tags.SMALLEST_PIXEL_VALUE_IN_SERIES,
    tags.LARGEST_PIXEL_VALUE_IN_SERIES,
)  # wrong once pixels change


class DicomPixels:
    """The pixel data of one data set.

    :param tree: the data set. :meth:`black`, :meth:`drop_excess` and :meth:`clear_unused_bits` change it.
    :param syntax: its transfer syntax.
    :param file: the bytes of the whole file as it came, for the decoders of compressed pixels.
    :ivar syntax: the transfer syntax that the data set needs now.
    :raises PixelTroubleError: it has no pixels, or what it says about them is impossible.
    """

    def __init__(self, tree: Tree, syntax: str, file: bytes) -> None:
        self.syntax = syntax
        self._tree = tree
        self._file = file
        node = tree.nodes.get(tags.PIXEL_DATA)
        if node is None:
            raise PixelTroubleError(NOT_FRAMES)
        self._node: Node = node
        self._layout = Layout.of(tree, native=not node.fragments)

    def for_reading(self) -> Iterator[Samples]:
        """One frame after the other, ``[rows, columns]`` or ``[rows, columns, 3]``, larger is brighter.

        Palette colours come as their grey values, 0 to 255; of YBR, the luma.

        :raises PixelTroubleError: they can't be decoded.
        """
        for frame, colour in self._decoded() if self._node.fragments else self._native():
            if palette.is_palette(self._tree):
                yield palette.shown(self._tree, frame, self._layout.allocated)
            elif self._tree.text(tags.PHOTOMETRIC_INTERPRETATION) == "MONOCHROME1":
                yield frame.max() - frame if frame.dtype.kind == "u" else ~frame
            elif frame.ndim == 3 and colour.startswith("YBR_"):
                yield frame[:, :, 0]
            else:
                yield frame

    def black(self, boxes: Collection[Box]) -> None:
        """Black boxes in the stored pixels of every frame.

        :raises PixelTroubleError: the pixels can't be decoded, or are of a kind that can't be changed.
        """
        if self._node.fragments:
            self._unpack()
        frames = self._layout.array(self._node.value).copy()
        for frame in frames:
            value = black_value(self._tree, self._layout, frame)
            for box in boxes:
                self._layout.fill(frame, box, value)
        self._node.value = frames.tobytes()
        for tag in _EXTREMES:
            self._tree.nodes.pop(tag, None)

    def clear_unused_bits(self, *, always: bool) -> None:
        """Zero the bits that are not the sample's, where an overlay says that it lives there (PS3.5 8.1.2).

        :param always: also where none says so, in native pixels: nobody has searched what viewers hide.
        :raises PixelTroubleError: as :meth:`black`.
        """
        if not has_embedded_overlay(self._tree) and (not always or self._node.fragments):
            return
        if self._layout.samples != 1 or self._layout.allocated not in DTYPES:
            return
        if self._node.fragments:
            self._unpack()
        self._node.value = without_unused_bits(self._tree, self._layout, self._node.value)

    def drop_excess(self) -> None:
        """Drop what native pixel data holds beyond its last sample: bytes there belong to no image."""
        if not self._node.fragments:
            self._node.value = self._node.value[: self._layout.native_bytes]

    def _native(self) -> Iterator[tuple[Samples, str]]:
        colour = self._tree.text(tags.PHOTOMETRIC_INTERPRETATION)
        if self._layout.allocated == 1:  # a segmentation; black() refuses it
            for frame in self._bitmaps():
                yield frame, colour
            return
        for frame in self._layout.array(self._node.value):
            yield self._layout.picture(frame), colour

    def _bitmaps(self) -> Iterator[Samples]:
        """Frames of one bit a pixel, which follow each other without a gap (PS3.5 8.1.1)."""
        rows, columns = self._layout.size
        bits = np.unpackbits(np.frombuffer(self._node.value, np.uint8), bitorder="little")
        if len(bits) < rows * columns * self._layout.frames or self._layout.samples != 1:
            raise PixelTroubleError(NOT_FRAMES)
        for number in range(self._layout.frames):
            frame = bits[number * rows * columns : (number + 1) * rows * columns]
            yield frame.reshape(rows, columns) * np.uint8(255)

    def _decoded(self) -> Iterator[tuple[Samples, str]]:
        yield from decoded_frames(self._file, self.syntax, self._layout)

    def _unpack(self) -> None:
        """Replace compressed pixels by native ones."""
        layout = self._layout
        if layout.rows * layout.columns * layout.frames * layout.pixel_bytes > MAX_DECODED:
            raise PixelTroubleError(TOO_LARGE)
        frames = list(self._decoded())
        first, colour = frames[0]
        width = first.dtype.itemsize * 8
        if width not in DTYPES or (width != layout.allocated and layout.allocated > width):
            raise PixelTroubleError(NOT_DECODED)
        self._node.value = b"".join(
            np.ascontiguousarray(frame).astype(frame.dtype.newbyteorder("<")).tobytes() for frame, _ in frames
        )
        self._node.fragments = False
        self._node.vr = "OB" if width == 8 else "OW"
        self._tree.put(tags.BITS_ALLOCATED, "US", width.to_bytes(2, "little"))
        self._tree.put(tags.PHOTOMETRIC_INTERPRETATION, "CS", colour)
        if layout.samples == 3:
            self._tree.put(tags.PLANAR_CONFIGURATION, "US", b"\0\0")
        if self.syntax in _LOSSY:
            self._tree.put(tags.LOSSY_IMAGE_COMPRESSION, "CS", "01")
        self.syntax = str(ExplicitVRLittleEndian)
        self._layout = Layout.of(self._tree, native=True)
