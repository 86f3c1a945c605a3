"""A rectangle that may be tilted: how a line of text lies in a picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from privxray.deid.pixels.box import Box

Points = npt.NDArray[np.float64]
"""``[N, 2]``: how far right and how far down each point lies, in pixels from the upper left corner."""

_HARDLY_LARGER = 1.2
"""A straight rectangle that is larger by no more than this is taken: a short or round mark has no tilt."""


class TiltedBox(NamedTuple):
    """A rectangle of ``width`` by ``height`` pixels around the point ``x``, ``y``.

    ``tilt`` is the angle in radians by which its rows are turned against the picture's, clockwise, from -pi/4
    to pi/4. So a line of text that rises or falls more steeply is higher than it is wide.
    """

    x: float
    y: float
    width: float
    height: float
    tilt: float = 0.0

    @property
    def area(self) -> float:
        """Pixels."""
        return self.width * self.height

    @property
    def axes(self) -> Points:
        """Two rows: a step of one pixel along the rectangle's rows, and one down its columns."""
        right, down = np.cos(self.tilt), np.sin(self.tilt)
        return np.array([[right, down], [-down, right]])

    def grown(self, margin: float) -> TiltedBox:
        """The rectangle with a margin on each side."""
        return self._replace(width=self.width + 2 * margin, height=self.height + 2 * margin)

    def scaled(self, factor: float) -> TiltedBox:
        """The same rectangle in a picture that is larger by this factor."""
        x, y, width, height = (factor * length for length in self[:4])
        return TiltedBox(x, y, width, height, self.tilt)

    def around(self) -> Box:
        """The smallest box that holds the rectangle, rounded outwards."""
        centre = np.array((self.x, self.y))
        half = np.abs(self.axes).T @ (self.width / 2, self.height / 2)
        # What is beyond a whole pixel by less than this is the rounding of floating point.
        (left, top), (right, bottom) = np.floor(centre - half + 1e-6), np.ceil(centre + half - 1e-6)
        return Box(int(left), int(top), int(right), int(bottom))

    def pieces(self) -> tuple[Box, ...]:
        """Boxes that together hold the rectangle, and much less beside it than :meth:`around`.

        A tilted rectangle is cut across into squares, and there is one box around each.
        """
        if not self.tilt:
            return (self.around(),)
        lying = self.width >= self.height
        long, short = (self.width, self.height) if lying else (self.height, self.width)
        count = max(round(long / max(short, 1.0)), 1)
        part = self._replace(width=long / count) if lying else self._replace(height=long / count)
        along_x, along_y = self.axes[0 if lying else 1]
        steps = (np.arange(count) - (count - 1) / 2) * (long / count)
        return tuple(
            part._replace(x=self.x + step * along_x, y=self.y + step * along_y).around() for step in steps
        )


def smallest_around(points: Points) -> TiltedBox:
    """The smallest rectangle that holds all points; a straight one where that is hardly larger.

    One side of the smallest rectangle lies on a side of the points' convex hull (Freeman and Shapira 1975).

    :param points: not all on one line.
    """
    hull = points[ConvexHull(points).vertices]
    sides = np.roll(hull, -1, axis=0) - hull
    tilts = np.append(np.arctan2(sides[:, 1], sides[:, 0]), 0.0)
    tilts -= np.round(tilts / (np.pi / 2)) * (np.pi / 2)
    axes = np.stack([np.cos(tilts), np.sin(tilts), -np.sin(tilts), np.cos(tilts)], axis=1).reshape(-1, 2, 2)
    seen = axes @ hull.T  # each point in the axes of each rectangle: [rectangles, 2, points]
    low, high = seen.min(axis=2), seen.max(axis=2)
    areas = np.prod(high - low, axis=1)
    straight = len(areas) - 1
    best = straight if areas[straight] <= _HARDLY_LARGER * areas.min() else int(areas.argmin())
    x, y = axes[best].T @ ((low[best] + high[best]) / 2)
    width, height = high[best] - low[best]
    return TiltedBox(float(x), float(y), float(width), float(height), float(tilts[best]))
