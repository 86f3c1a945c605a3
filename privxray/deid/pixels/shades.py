"""How stored values are shown: which of them are black, and what a palette makes of them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from privxray.deid import tags
from privxray.deid.dicomfile.data_set_tree import Tree

NOT_FRAMES = "its pixel data does not fit its rows, columns and frames"

Samples: TypeAlias = npt.NDArray[Any]

_LUTS = (tags.MODALITY_LUT_SEQUENCE, tags.VOI_LUT_SEQUENCE)
_PALETTES = (
    tags.RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags.GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags.BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
)


class PixelTroubleError(Exception):
    """The pixels can't be looked at or changed. The text is one of this package's fixed ones."""


class Shades:
    """What the elements of a data set say about its stored values.

    :param allocated: bits of a sample. :param samples: how many a pixel has, 1 or 3.
    """

    def __init__(self, tree: Tree, allocated: int, samples: int) -> None:
        self._tree = tree
        self._allocated = allocated
        self._samples = samples

    def black(self, frame: Samples) -> Samples:
        """The stored value or values that display as black.

        Colour: 0, with the neutral colour in the middle of the range for YBR. Palette: the darkest index.
        Grey: the end of the range that is dark, MONOCHROME1 and negative slopes turned round. Of it, 8-bit
        images take the very end. Deeper ones take the darkest value of the frame, or the padding value or the
        dark end of the first window where these are darker, for many viewers stretch from the smallest value
        to the largest, and one far value would wash out the rest.
        """
        colour = self._tree.text(tags.PHOTOMETRIC_INTERPRETATION)
        if self._samples == 3:
            neutral = 1 << (self._tree.number(tags.BITS_STORED) or self._allocated) - 1
            return np.array([0, neutral, neutral] if colour.startswith("YBR_") else [0, 0, 0], frame.dtype)
        if self.is_palette:
            palette = self.palette()
            first = self._palette_start()
            return np.array([first + int(palette[first:].argmin())], frame.dtype)
        bright_is_small = (colour == "MONOCHROME1") != (self._real(tags.RESCALE_SLOPE, 1.0) < 0)
        low, high = self._range()
        stored = frame.astype(np.int64)
        candidates = [int(stored.max() if bright_is_small else stored.min())]
        if (self._tree.number(tags.BITS_STORED) or self._allocated) <= 8 or any(
            tag in self._tree.nodes for tag in _LUTS
        ):
            candidates = [high if bright_is_small else low]
        candidates += self._padding()
        candidates += self._window_end(bright_is_small)
        darkest = max(candidates) if bright_is_small else min(candidates)
        return np.array([min(max(darkest, low), high)], frame.dtype)

    def _range(self) -> tuple[int, int]:
        stored, high_bit = (
            self._tree.number(tags.BITS_STORED) or self._allocated,
            self._tree.number(tags.HIGH_BIT),
        )
        bits = stored if high_bit is None else max(high_bit + 1, stored)
        return (
            (-(1 << bits - 1), (1 << bits - 1) - 1)
            if self._tree.number(tags.PIXEL_REPRESENTATION)
            else (0, (1 << bits) - 1)
        )

    def _padding(self) -> list[int]:
        node = self._tree.nodes.get(tags.PIXEL_PADDING_VALUE)
        if node is None or len(node.value) < 2:
            return []
        return [
            int.from_bytes(
                node.value[:2], "little", signed=bool(self._tree.number(tags.PIXEL_REPRESENTATION))
            )
        ]

    def _window_end(self, bright_is_small: bool) -> list[int]:
        width, slope = self._real(tags.WINDOW_WIDTH, 0.0), self._real(tags.RESCALE_SLOPE, 1.0)
        if width < 1 or not slope or tags.WINDOW_CENTER not in self._tree.nodes:
            return []
        # In rescaled values the dark end of a window is its lower one, and for MONOCHROME1 its upper one.
        towards = 1 if bright_is_small == (slope > 0) else -1
        end = (
            self._real(tags.WINDOW_CENTER, 0.0)
            + towards * width / 2
            - self._real(tags.RESCALE_INTERCEPT, 0.0)
        ) / slope
        return [int(np.ceil(end) if bright_is_small else np.floor(end))] if np.isfinite(end) else []

    def _real(self, tag: int, default: float) -> float:
        try:
            return float(self._tree.text(tag).split("\\")[0])
        except ValueError:
            return default

    @property
    def is_palette(self) -> bool:
        """Are the stored values indices into a table of colours?"""
        return self._tree.text(tags.PHOTOMETRIC_INTERPRETATION) == "PALETTE COLOR"

    @property
    def index_mask(self) -> int:
        """The bits of a stored value that are its index."""
        return (1 << min(self._allocated, 16)) - 1

    def _palette_start(self) -> int:
        node = self._tree.nodes.get(_PALETTES[0] - 0x100)
        return int.from_bytes(node.value[2:4], "little") if node and len(node.value) >= 6 else 0

    def palette(self) -> Samples:
        """The grey value, 0 to 255, of every index; outside the table the nearest entry counts (C.7.6.3.1.5).

        Segmented tables are not unfolded: then an index is its own grey.
        """
        size = 1 << min(self._allocated, 16)
        start = self._palette_start()
        channels = []
        for tag in _PALETTES:
            data, about = self._tree.nodes.get(tag), self._tree.nodes.get(tag - 0x100)
            if data is None or about is None or len(about.value) < 6:
                return (np.arange(size) * 255 // (size - 1)).astype(np.uint8)
            count, bits = (int.from_bytes(about.value[place : place + 2], "little") for place in (0, 4))
            count = count or 1 << 16
            deep = len(data.value) >= 2 * count
            kind = "<u2" if deep else "u1"
            table = np.frombuffer(data.value[: count * (1 + deep)], kind).astype(np.float32)
            if not len(table):
                raise PixelTroubleError(NOT_FRAMES)
            if bits == 16 and table.max() > 255:
                table /= 257
            channels.append(table[np.clip(np.arange(size) - start, 0, len(table) - 1)])
        grey = 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2]
        shown: Samples = np.clip(grey, 0, 255).astype(np.uint8)
        return shown
