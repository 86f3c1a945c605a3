"""Blacking text in pixels: looked for, blacked, and looked for again until none is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from privxray.deid.cleaning.strip_pictures import Picture
from privxray.deid.pixels.shades import PixelTroubleError, Samples
from privxray.deid.pixels.stored_pixels import Box, Pixels

STUBBORN = "text is still found in its pixels after they were blacked"

MARGIN = 2
"""Pixels that a box grows by on each side, for the soft edges of letters."""

_ROUNDS = 3


class FoundText(Protocol):
    """A place with text in a frame, as :class:`privxray.deid.pixels.text.boxes.TextBox` has it."""

    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def severity(self) -> str: ...


Finder = Callable[[Samples, int], Sequence[FoundText]]
"""Takes a frame ``[rows, columns]`` or ``[rows, columns, 3]`` and its number, gives the text in it."""


def black_text(pixels: Pixels | Picture, finder: Finder) -> set[tuple[int, int, int, int]]:
    """Black what is found until nothing is. A box is blacked in every frame: a cine's captions stand still,
    and one that a frame's background hides from the finder is legible all the same.

    :returns: left, top, right, bottom of what was blacked.
    :raises PixelTroubleError: the pixels can't be decoded or changed, or text is still found at the end.
    """
    blacked: set[tuple[int, int, int, int]] = set()
    looked_at = set(range(pixels.frames))
    for _ in range(_ROUNDS + 1):
        found: dict[int, set[tuple[int, int, int, int]]] = {}
        for number, frame in enumerate(pixels.for_reading()):
            if number in looked_at and (boxes := _boxes(finder(frame, number))):
                found[number] = boxes
        if not found:
            return blacked
        boxes = set().union(*found.values())
        blacked |= boxes
        pixels.black([Box(number, *box) for number in range(pixels.frames) for box in sorted(boxes)])
        looked_at = set(found)  # the others had no text before, and have only black more
    raise PixelTroubleError(STUBBORN)


def _boxes(texts: Sequence[FoundText]) -> set[tuple[int, int, int, int]]:
    """Left, top, right, bottom of what must go, grown by the margin."""
    return {
        (text.x - MARGIN, text.y - MARGIN, text.x + text.width + MARGIN, text.y + text.height + MARGIN)
        for text in texts
        if text.severity == "error"
    }
