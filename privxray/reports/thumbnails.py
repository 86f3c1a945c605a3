"""Small pictures of frames with text, in which the places of text are marked and the text itself is gone.

A box is filled with one flat colour, at full size and with a margin, before the picture is made smaller.
Nothing in it depends on the pixels that were there, so nothing can be inverted. Blurring keeps a linear image
of the text, and pixelating keeps averages; from both, names have been recovered by trying candidates (Hill et
al. 2016, PoPETs 2016/4). Text that the search missed is not covered.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from privxray.deid.pixels.text.contrast import Picture, common_scale
from privxray.deid.pixels.text.text_box import TextBox

SIDE = 320
"""Longest side in pixels."""

MARGIN = 3
"""Pixels around a box that are covered too; more of them where the picture is made much smaller."""

ERROR, NOTICE, COVER = (214, 40, 40), (0, 120, 200), (96, 96, 96)


def thumbnail(pixels: npt.NDArray[np.generic], boxes: Sequence[TextBox]) -> str:
    """A frame as a ``data:`` URL of a PNG of at most 320 x 320 pixels, with its boxes covered and outlined.

    :param pixels: of one frame, ``[rows, columns]`` or ``[rows, columns, 3]``, of any number type.
    """
    plain = np.clip(common_scale(pixels), 0, 255).astype(np.uint8)
    covered = _covered(plain, boxes)
    rows, columns = covered.shape[:2]
    scale = min(SIDE / max(rows, columns), 1.0)
    size = (max(round(columns * scale), 1), max(round(rows * scale), 1))
    shown = Image.fromarray(covered).convert("RGB").resize(size, Image.Resampling.BOX)
    pen = ImageDraw.Draw(shown)
    for box in boxes:
        left, top = box.x * scale - 2, box.y * scale - 2
        right, bottom = (box.x + box.width) * scale + 1, (box.y + box.height) * scale + 1
        colour = ERROR if box.severity == "error" else NOTICE
        pen.rectangle(((left, top), (right, bottom)), outline=colour, width=2)
    out = io.BytesIO()
    shown.save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _covered(picture: Picture, boxes: Sequence[TextBox]) -> Picture:
    covered = picture.copy()
    # A pixel of the small picture mixes a square of the large one; the margin is at least one such square.
    margin = MARGIN + max(picture.shape[:2]) // SIDE
    fill = COVER if picture.ndim == 3 else COVER[0]
    for one in boxes:
        left, top, right, bottom = one.box.grown(margin).within(*picture.shape[:2])
        covered[top:bottom, left:right] = fill
    return covered
