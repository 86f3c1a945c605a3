"""Lines of text in the detector's map: which places it marks, as rectangles at any angle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from privxray.deid.pixels.text.tilted_box import Points, TiltedBox, smallest_around

THRESHOLD = 0.3
"""A pixel is text from this probability on (the networks' authors')."""

UNCLIP = 1.6
"""The network marks the core of a line; its box grows by area * UNCLIP / perimeter (DB, Liao 2020, eq. 10).
"""

MIN_SIDE = 3
"""Smaller marks are no glyphs, in pixels of the map."""

MIN_SCORE = 0.5
"""Mean probability over a mark (the networks' authors')."""


class DetectedLine(NamedTuple):
    """A place that may hold a line of text, and how sure the detector is of it: 0 to 1."""

    box: TiltedBox
    score: float


def lines_in(probability: npt.NDArray[np.float32]) -> list[DetectedLine]:
    """The lines of text in a map ``[rows, columns]`` of how probably each pixel is text, 0 to 1."""
    marked = ndimage.binary_dilation(probability > THRESHOLD, np.ones((2, 2), bool))
    labels, count = ndimage.label(marked, np.ones((3, 3), bool))
    found: list[DetectedLine] = []
    for number, (down, across) in enumerate(ndimage.find_objects(labels, count), start=1):
        if max(down.stop - down.start, across.stop - across.start) < MIN_SIDE:
            continue
        inside = labels[down, across] == number
        score = float(probability[down, across][inside].mean())
        if score < MIN_SCORE:
            continue
        box = smallest_around(_outline(inside, across.start, down.start))
        if min(box.width, box.height) >= MIN_SIDE:
            grow = box.area * UNCLIP / (2 * (box.width + box.height))
            found.append(DetectedLine(box.grown(grow), score))
    return found


def _outline(inside: npt.NDArray[np.bool_], left: int, top: int) -> Points:
    """The outer corners of the first and the last pixel of each row."""
    rows = np.flatnonzero(inside.any(axis=1))
    first = inside[rows].argmax(axis=1)
    last = inside.shape[1] - inside[rows, ::-1].argmax(axis=1)
    corners = [(left + side, top + rows + below) for side in (first, last) for below in (0, 1)]
    return np.concatenate([np.stack(pair, axis=1) for pair in corners]).astype(np.float64)
