"""What was read in a place, and what that says about the place: a patient's text, a marker, or no text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from privxray.deid.pixels.text.markers import is_marker
from privxray.deid.pixels.text.tilted_box import TiltedBox

LEGIBLE = 0.5
"""What is read with at least this confidence is text."""

TALLEST = 3.0
"""Height over width of one letter, at most: a narrow one, or one that the frame's edge cuts."""

_SPACED = 1.8  # most that a letter with its space is longer than a line is high
_SQUARE = 1.5  # one side over the other: up to this a box is one letter's
_SURE = 0.9  # confidence from which a letter alone, or a very large one, is believed
_LARGE = 1 / 6  # of the frame's longer side: larger than any caption's letters


class Reading(NamedTuple):
    """What was read, and how surely: 0 to 1, the mean over the characters.

    ``turned``: after a turn by a quarter.
    """

    text: str
    confidence: float
    turned: bool = False

    @property
    def legible(self) -> bool:
        """Whether it counts as read."""
        return self.confidence >= LEGIBLE

    @property
    def letters(self) -> int:
        """How many letters and digits there are."""
        return sum(map(str.isalnum, self.text))


def names_nobody(readings: Sequence[Reading], box: TiltedBox) -> bool:
    """Whether the text is a side marker or one letter alone, and the box no longer than such a text is.

    A line of which only the first letter was read must not pass for an R. But a box that stands holds no line
    if one letter was read in it as it lies. The reader also knows letters that lie on their side, so after a
    turn by a quarter it must not see more than one either.
    """
    best = max(readings, key=lambda reading: reading.confidence)
    long, short = max(box.width, box.height), min(box.width, box.height)
    fits = long <= max(short * _SPACED * (1 + len(best.text)) / 2, short * _SQUARE)
    if best.confidence >= _SURE and box.width < box.height <= box.width * TALLEST:
        legible = [reading for reading in readings if reading.legible]
        as_it_lies = any(not reading.turned for reading in legible)
        fits |= as_it_lies and all(reading.letters == 1 for reading in legible)
    return fits and (is_marker(best.text) or best.letters == 1)


def is_text(reading: Reading, box: TiltedBox, frame: tuple[int, ...]) -> bool:
    """Whether there are letters.

    Letters larger than any caption's must be beyond doubt: ribs look like such, and the wires of a sternum.

    :param frame: the frame's shape.
    """
    large = min(box.width, box.height) > _LARGE * max(frame)
    return reading.legible and reading.letters > 0 and (not large or reading.confidence >= _SURE)
