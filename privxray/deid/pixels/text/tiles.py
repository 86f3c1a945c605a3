"""Large frames in tiles, so that memory is bounded and no glyph is shrunk away.

Films of 3000 x 2500 are not made smaller: an 8 px glyph would be 3 px. Tiles overlap, and each of two tiles
gives the half of the overlap that lies farther inside it, since near its border a network sees only half of a
glyph's surroundings. The maps are joined before any box is drawn, so no caption is cut in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from privxray.deid.pixels.text.contrast import Picture

SIDE = 1024
"""Longest side of a tile in pixels. A process takes about 0.5 GB while the detector works on one."""

OVERLAP = 128
"""Pixels that neighbours share."""

STEP = 32
"""The detector takes sides that are multiples of this."""

Map = npt.NDArray[np.float32]
"""How probably each pixel is text, ``[rows, columns]``, 0 to 1."""


def in_tiles(picture: Picture, detect: Callable[[Picture], Map]) -> Map:
    """``detect`` over a picture of any size, as one map of that size."""
    rows, columns = picture.shape[:2]
    out = np.empty((rows, columns), np.float32)
    for top, bottom, first_row, last_row in spans(rows):
        for left, right, first, last in spans(columns):
            part = detect(picture[top:bottom, left:right])
            out[first_row:last_row, first:last] = part[
                first_row - top : last_row - top, first - left : last - left
            ]
    return out


def spans(length: int) -> Iterator[tuple[int, int, int, int]]:
    """Along one side: where each tile starts and stops, and the part of it that counts.

    Tiles are as equal as multiples of :data:`STEP` allow; the parts that count cover the side once.
    """
    if length <= SIDE:
        yield 0, length, 0, length
        return
    count = -(-(length - OVERLAP) // (SIDE - OVERLAP))
    size = -(-(length + (count - 1) * OVERLAP) // count)
    size += -size % STEP
    starts = [round(number * (length - size) / (count - 1)) for number in range(count)]
    middles = [(start + size + following) // 2 for start, following in pairwise(starts)]
    for start, (first, last) in zip(starts, pairwise([0, *middles, length]), strict=True):
        yield start, start + size, first, last
