"""Finding text in one frame, at any angle.

The detector looks at the frame once. It marks lines of text however they run. Each line is cut out along its
mark, so that it lies straight, and read. What can't be read well is read upside down as well.

Frames of up to 1228 px are enlarged, up to threefold: small glyphs gain most. Larger frames go in tiles at
their own size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from privxray.deid.pixels.text import contrast
from privxray.deid.pixels.text.detected_lines import DetectedLine, lines_in
from privxray.deid.pixels.text.ocr_engine import Engine
from privxray.deid.pixels.text.reading import TALLEST, Reading, is_text, names_nobody
from privxray.deid.pixels.text.straighten import straightened
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.pixels.text.tiles import in_tiles

ENLARGED = 3.0
"""Most that a small frame is enlarged by."""

ENLARGED_SIDE = 1536
"""Longest side in pixels that a frame is enlarged to."""

_WORTH_ENLARGING = 1.25  # a smaller factor changes nothing
_SQUARISH = 1.5  # one side over the other: up to this a box may run either way


class TextFinder:
    """Finds text in frames, at any angle.

    :param threads: CPU threads to compute with.
    :raises UsageError: the extra ``ocr`` is not installed.
    :raises SystemTroubleError: the networks' weights can't be read.
    :raises MalformedError: they are not the pinned ones.
    """

    def __init__(self, threads: int = 2) -> None:
        self._engine = Engine(threads)

    def find(self, pixels: npt.NDArray[np.generic], frame: int = 0) -> list[TextBox]:
        """The places of one frame that hold text, from top to bottom.

        :param pixels: stored values ``[rows, columns]``, or ``[rows, columns, 3]`` as red, green, blue; any
            number type.
        :param frame: its number, which goes into the boxes.
        :raises ValueError: another shape. That is a mistake of the caller.
        """
        values = contrast.common_scale(pixels)
        shape = values.shape[:2]
        lines = self.detect(values)
        boxes: list[TextBox] = []
        for (box, score), readings in zip(lines, self._read(values, lines), strict=True):
            best = max(readings, key=lambda reading: reading.confidence)
            if is_text(best, box, shape):
                around = box.around().within(*shape)
                boxes.append(
                    TextBox(
                        frame,
                        *(around.left, around.top, around.width, around.height),
                        round(score * best.confidence, 3),
                        "notice" if names_nobody(readings, box) else "error",
                        best.text,
                        tuple(piece.within(*shape) for piece in box.pieces()) if box.tilt else (),
                    )
                )
        return sorted(boxes, key=lambda box: (box.y, box.x))

    def detect(self, values: contrast.Values) -> list[DetectedLine]:
        """Places that may hold text, before anything is read."""
        rows, columns = values.shape[:2]
        scale = min(ENLARGED, ENLARGED_SIDE / max(rows, columns))
        picture = contrast.even_contrast(values)
        if scale < _WORTH_ENLARGING:
            return lines_in(in_tiles(picture, self._engine.detect))
        picture = contrast.resized(picture, round(rows * scale), round(columns * scale))
        lines = lines_in(in_tiles(picture, self._engine.detect))
        return [DetectedLine(line.box.scaled(1 / scale), line.score) for line in lines]

    def _read(self, values: contrast.Values, lines: list[DetectedLine]) -> list[list[Reading]]:
        """The readings of each place: one that stands is turned, and a squarish one is read both ways."""
        pictures: list[contrast.Picture] = []
        owners: list[tuple[int, bool]] = []
        for number, (box, _) in enumerate(lines):
            line = contrast.full_contrast(straightened(values, box))
            height, width = line.shape[:2]
            if width * TALLEST >= height:
                pictures.append(line)
                owners.append((number, False))
            if height * _SQUARISH >= width:
                pictures.append(np.ascontiguousarray(np.rot90(line)))
                owners.append((number, True))
        readings: list[list[Reading]] = [[] for _ in lines]
        for (number, turned), reading in zip(owners, self._engine.read(pictures), strict=True):
            readings[number].append(reading._replace(turned=turned))
        return readings
