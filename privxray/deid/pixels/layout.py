"""How the samples of native pixel data lie in their bytes (PS3.3 C.7.6.3.1, PS3.5 8.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree
from privxray.deid.pixels.box import Box
from privxray.deid.pixels.trouble import MAX_FRAME, NOT_FRAMES, TOO_LARGE, PixelTroubleError

Samples: TypeAlias = npt.NDArray[Any]
"""Samples as they are stored, of any number type."""

DTYPES = {8: "u1", 16: "<u2", 32: "<u4"}
"""By Bits Allocated: the type of a native sample without a sign."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a data set says about its samples.

    :ivar samples: of a pixel, 1 or 3. :ivar allocated: bits of a sample. :ivar signed: two's complement.
    :ivar planar: in colour, one plane after the other.
    :ivar halved: YBR_FULL_422, native: two pixels share their colour, stored Y Y Cb Cr (C.7.6.3.1.2).
    """

    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    signed: bool
    planar: bool
    halved: bool

    @classmethod
    def of(cls, tree: Tree, *, native: bool) -> Layout:
        """The layout that a data set names.

        :param native: its pixel data is not compressed.
        :raises PixelTroubleError: what it names is no image, or a frame has more than :data:`MAX_FRAME`
            pixels.
        """
        colour = tree.text(tags.PHOTOMETRIC_INTERPRETATION)
        layout = cls(
            rows=tree.number(tags.ROWS) or 0,
            columns=tree.number(tags.COLUMNS) or 0,
            frames=tree.number(tags.NUMBER_OF_FRAMES) or 1,
            samples=tree.number(tags.SAMPLES_PER_PIXEL) or 1,
            allocated=tree.number(tags.BITS_ALLOCATED) or 0,
            signed=bool(tree.number(tags.PIXEL_REPRESENTATION)),
            planar=bool(tree.number(tags.PLANAR_CONFIGURATION)),
            halved=native and colour in ("YBR_FULL_422", "YBR_PARTIAL_422"),
        )
        whole = layout.rows and layout.columns and layout.allocated and layout.frames >= 1
        if not whole or layout.samples not in (1, 3):
            raise PixelTroubleError(NOT_FRAMES)
        if layout.rows * layout.columns > MAX_FRAME:
            raise PixelTroubleError(TOO_LARGE)
        return layout

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one decoded pixel, all its samples."""
        return self.samples * (self.allocated // 8)

    @property
    def native_bytes(self) -> int:
        """Bytes of all frames in native pixel data."""
        bits = self.rows * self.columns * self.frames * self.allocated
        bits *= 2 if self.halved else self.samples
        return (bits + 7) // 8

    def array(self, data: bytes) -> Samples:
        """Native samples: ``[frames, rows, columns]``, and in colour a fourth axis where it is stored.

        :raises PixelTroubleError: there are too few bytes, or samples that are not 8, 16 or 32 bits wide.
        """
        if self.allocated not in DTYPES or len(data) < self.native_bytes:
            raise PixelTroubleError(NOT_FRAMES)
        flat: Samples = np.frombuffer(data[: self.native_bytes], DTYPES[self.allocated])
        if self.signed:
            flat = flat.view(flat.dtype.str.replace("u", "i"))
        if self.halved:
            return flat.reshape(self.frames, self.rows, self.columns // 2, 4)
        if self.samples == 1:
            return flat.reshape(self.frames, self.rows, self.columns)
        if self.planar:
            return flat.reshape(self.frames, 3, self.rows, self.columns)
        return flat.reshape(self.frames, self.rows, self.columns, 3)

    def picture(self, frame: Samples) -> Samples:
        """One frame of :meth:`array` as ``[rows, columns]`` or ``[rows, columns, 3]``.

        Of YBR_FULL_422 it is the luma alone.
        """
        if self.halved:
            return frame[:, :, :2].reshape(self.rows, self.columns)
        return np.moveaxis(frame, 0, -1) if self.samples == 3 and self.planar else frame

    def fill(self, frame: Samples, box: Box, value: Samples) -> None:
        """Set all pixels of a box in one frame of :meth:`array` to one value.

        :param value: a pixel's samples, one or three.
        """
        left, top, right, bottom = box.within(self.rows, self.columns)
        rows = slice(top, bottom)
        if self.halved:
            frame[rows, left // 2 : (right + 1) // 2] = [value[0], value[0], value[1], value[2]]
        elif self.samples == 3 and self.planar:
            frame[:, rows, left:right] = value[:, None, None]
        else:
            frame[rows, left:right] = value if self.samples == 3 else value[0]
