"""Boxes around text: from a probability map, and from several passes to one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Severity = Literal["error", "notice"]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; the latter two lie just outside."""

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
_STILL = 0.8


@dataclass(frozen=True, slots=True)
class TextBox:
    """A place in the pixels that holds text.

    :param frame: number of the frame, from 0.
    :param x: left edge in stored pixels, from 0 at the left.
    :param y: upper edge, from 0 at the top.
    :param width: so that the glyphs lie in columns ``x`` to ``x + width - 1``.
    :param height: likewise for rows.
    :param confidence: 0 to 1, how sure the networks are that it is text.
    :param severity: ``error`` fails a file, ``notice`` (a side marker) does not.
    :param text: what was read. A patient's name as a rule: it goes nowhere but where ``--show-text`` was
        typed, and is not in ``repr``.
    """

    frame: int
    x: int
    y: int
    width: int
    height: int
    confidence: float
    severity: Severity
    text: str = field(default="", repr=False)


def from_map(probability: npt.NDArray[np.float32]) -> list[tuple[Box, float]]:
    """Boxes with the mean probability in them, of a map ``[rows, columns]`` from 0 to 1."""
    marked = ndimage.binary_dilation(probability > THRESHOLD, np.ones((2, 2), bool))
    labels, count = ndimage.label(marked, np.ones((3, 3), bool))
    rows, columns = probability.shape
    found: list[tuple[Box, float]] = []
    for number, place in enumerate(ndimage.find_objects(labels, count), start=1):
        height, width = place[0].stop - place[0].start, place[1].stop - place[1].start
        if min(height, width) < MIN_SIDE:
            continue
        score = float(probability[place][labels[place] == number].mean())
        if score < MIN_SCORE:
            continue
        grow = round(height * width * UNCLIP / (2 * (height + width)))
        found.append(
            (
                (
                    max(place[1].start - grow, 0),
                    max(place[0].start - grow, 0),
                    min(place[1].stop + grow, columns),
                    min(place[0].stop + grow, rows),
                ),
                score,
            )
        )
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
                if _overlap(box, other) > _SAME:
                    grown[place] = (_around(box, other), max(best, score))
                    break
            else:
                grown.append((box, score))
        if len(grown) == len(kept):
            return sorted(grown, key=lambda one: (one[0][1], one[0][0]))
        kept = grown


def same_place(one: TextBox, other: TextBox) -> bool:
    """Do two frames have text in the same place?

    The union of both must be hardly larger than either, so that what is blacked by one is blacked by both.
    """
    first, second = _edges(one), _edges(other)
    around = _around(first, second)
    return all(_area(box) >= _STILL * _area(around) for box in (first, second))


def _edges(box: TextBox) -> Box:
    return box.x, box.y, box.x + box.width, box.y + box.height


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap(one: Box, other: Box) -> float:
    """The share of the smaller box that both cover, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(_area(one), _area(other))


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
