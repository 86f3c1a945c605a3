"""A rectangle in the pixels of a frame."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """Edges in pixels, from 0 at the left and at the top; right and bottom lie just outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """Pixels."""
        return self.width * self.height

    def grown(self, margin: int) -> Box:
        """The box with a margin on each side; it may reach out of the frame."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def within(self, rows: int, columns: int) -> Box:
        """The part of the box that lies in a frame."""
        return Box(
            min(max(self.left, 0), columns),
            min(max(self.top, 0), rows),
            min(max(self.right, 0), columns),
            min(max(self.bottom, 0), rows),
        )

    def around(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )
