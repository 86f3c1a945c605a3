"""Boxes around text: from a probability map, and from several passes to one list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from privxray.deid.pixels.box import Box

THRESHOLD = 0.3
"""A pixel is text from this probability on (the networks' authors')."""

UNCLIP = 1.6
"""The network marks the core of a line; the box grows by area * UNCLIP / perimeter (DB, Liao 2020, eq. 10).
"""

MIN_SIDE = 3
"""Smaller marks are no glyphs, in pixels of the map."""

MIN_SCORE = 0.5
"""Mean probability over a mark (the networks' authors')."""

_SAME = 0.5


def from_map(probability: npt.NDArray[np.float32]) -> list[tuple[Box, float]]:
    """Boxes with the mean probability in them, of a map ``[rows, columns]`` from 0 to 1."""
    marked = ndimage.binary_dilation(probability > THRESHOLD, np.ones((2, 2), bool))
    labels, count = ndimage.label(marked, np.ones((3, 3), bool))
    rows, columns = probability.shape
    found: list[tuple[Box, float]] = []
    for number, (down, across) in enumerate(ndimage.find_objects(labels, count), start=1):
        mark = Box(across.start, down.start, across.stop, down.stop)
        if min(mark.width, mark.height) < MIN_SIDE:
            continue
        score = float(probability[down, across][labels[down, across] == number].mean())
        if score < MIN_SCORE:
            continue
        grow = round(mark.area * UNCLIP / (2 * (mark.height + mark.width)))
        found.append((mark.grown(grow).within(rows, columns), score))
    return found


def merged(found: Sequence[tuple[Box, float]]) -> list[tuple[Box, float]]:
    """Boxes of several passes with each place named once, from top to bottom, then left to right.

    Two boxes are one place where they share more than half of the smaller; the place is then the smallest box
    around both, with the better score. This repeats until nothing changes, for a grown box may meet a third.
    """
    kept = sorted(found, key=lambda one: -one[1])
    while True:
        grown: list[tuple[Box, float]] = []
        for box, score in kept:
            for place, (other, best) in enumerate(grown):
                if box.overlap(other) > _SAME:
                    grown[place] = (box.around(other), max(best, score))
                    break
            else:
                grown.append((box, score))
        if len(grown) == len(kept):
            return sorted(grown, key=lambda one: (one[0].top, one[0].left))
        kept = grown
