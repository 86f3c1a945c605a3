"""A place in the pixels that holds text, and what finds such places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy.typing as npt

from privxray.deid.pixels.box import Box

Severity = Literal["error", "notice"]

_STILL = 0.8


@dataclass(frozen=True, slots=True)
class TextBox:
    """A place in the pixels that holds text, as the smallest box around it.

    :ivar frame: number of the frame, from 0.
    :ivar x: left edge in stored pixels, from 0 at the left. :ivar y: upper edge, from 0 at the top.
    :ivar width: the glyphs lie in columns ``x`` to ``x + width - 1``. :ivar height: likewise for rows.
    :ivar confidence: 0 to 1, how sure the networks are that it is text.
    :ivar severity: ``error`` fails a file, ``notice`` (a side marker) does not.
    :ivar text: what was read. It is a patient's name as a rule, so it goes nowhere but where ``--show-text``
        was typed, and is not in ``repr``.
    :ivar pieces: of tilted text, boxes that together hold it and much less beside it; empty for other text.
    """

    frame: int
    x: int
    y: int
    width: int
    height: int
    confidence: float
    severity: Severity
    text: str = field(default="", repr=False)
    pieces: tuple[Box, ...] = ()

    @property
    def box(self) -> Box:
        """The place without what is said about it."""
        return Box(self.x, self.y, self.x + self.width, self.y + self.height)

    @property
    def cover(self) -> tuple[Box, ...]:
        """The boxes to black, so that the text is gone and little else."""
        return self.pieces or (self.box,)

    def is_where(self, other: TextBox) -> bool:
        """Whether two frames have text in the same place.

        The box around both must be hardly larger than either, so that blacking the one blacks the other.
        """
        around = self.box.around(other.box)
        return all(box.area >= _STILL * around.area for box in (self.box, other.box))


FindText: TypeAlias = Callable[[npt.NDArray[Any], int], Sequence[TextBox]]
"""Takes a frame ``[rows, columns]`` or ``[rows, columns, 3]`` and its number, gives the text in it.

See :meth:`privxray.deid.pixels.text.text_finder.TextFinder.find`.
"""
