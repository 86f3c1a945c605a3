"""A line of text cut out of a frame so that it lies straight."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from privxray.deid.pixels.text.contrast import Values
from privxray.deid.pixels.text.tilted_box import TiltedBox


def straightened(frame: Values, box: TiltedBox) -> Values:
    """What a rectangle of a frame holds, with the rectangle's own rows as rows.

    A straight rectangle is cut off at the frame's edge. A tilted one is not: beyond the edge, its last pixels
    are repeated.
    """
    around = box.around()
    left, top, right, bottom = around.within(*frame.shape[:2])
    part = frame[top:bottom, left:right]
    if not box.tilt:
        return part
    margins = ((top - around.top, around.bottom - bottom), (left - around.left, around.right - right), (0, 0))
    part = np.pad(part, margins[: part.ndim], mode="edge")
    within = box._replace(x=box.x - around.left, y=box.y - around.top)
    if part.ndim == 2:
        return _turned(part, within)
    return np.stack([_turned(part[..., channel], within) for channel in range(3)], axis=2)


def _turned(part: npt.NDArray[np.float32], box: TiltedBox) -> npt.NDArray[np.float32]:
    """One channel, turned: bicubic, a pixel for each of the rectangle's."""
    width, height = max(round(box.width), 1), max(round(box.height), 1)
    along, down = box.axes
    start = np.array((box.x, box.y)) - (along * width + down * height) / 2
    matrix = (along[0], down[0], start[0], along[1], down[1], start[1])
    whole = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(
        whole.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    )
