"""Finding text in one frame.

There are two passes: over the frame as it lies, and over a copy turned by a quarter. Each finds text that
runs in either direction, since the detector does not mind upside down and the reader is told which way up.
The boxes of both are merged before they are read: most are found twice, and reading costs as much as finding.

Frames under 1024 px are enlarged, up to threefold. That costs little there, and small glyphs gain most.
Larger frames go in tiles at their own size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from privxray.deid.pixels.box import Box
from privxray.deid.pixels.text import contrast
from privxray.deid.pixels.text.boxes import from_map, merged
from privxray.deid.pixels.text.markers import is_marker
from privxray.deid.pixels.text.ocr_engine import Engine
from privxray.deid.pixels.text.text_box import Severity, TextBox
from privxray.deid.pixels.text.tiles import SIDE, in_tiles

ENLARGED = 3.0
"""Most that a small frame is enlarged by."""

LEGIBLE = 0.5
"""What is read with at least this confidence (mean over the characters) is text."""

_WORTH_ENLARGING = 1.25  # a smaller factor changes nothing
_SQUARISH = 1.5  # one side over the other: up to this a box may run either way
_GLYPH = 1.6  # most that a glyph with its margin is longer than a box is high
_TALL = 2.2  # height over width of one letter, at most
_SURE = 0.8  # confidence from which a box that stands may be one letter
_LARGE = 1 / 6  # of the frame's shorter side: larger than any caption's letters
_PLAIN = 0.9  # confidence below which a letter is of doubtful form


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read in a box. ``upright``: as it lies, not turned by a quarter."""

    text: str
    confidence: float
    upright: bool = False


class TextFinder:
    """Finds text in frames, whichever of the four ways it runs.

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
        candidates = self.candidates(values)
        boxes: list[TextBox] = []
        for (box, score), reading in zip(candidates, self._read(values, candidates), strict=True):
            if reading.confidence >= LEGIBLE and not _is_anatomy(reading, box, values.shape[:2]):
                severity: Severity = "notice" if _names_nobody(reading, box) else "error"
                confidence = round(score * reading.confidence, 3)
                place = (box.left, box.top, box.width, box.height)
                boxes.append(TextBox(frame, *place, confidence, severity, reading.text))
        return boxes

    def candidates(self, values: contrast.Values) -> list[tuple[Box, float]]:
        """Places that may hold text, and how sure the detector is (0 to 1), before anything is read."""
        rows, columns = values.shape[:2]
        scale = min(ENLARGED, SIDE / max(rows, columns))
        picture = contrast.even_contrast(values)
        if scale >= _WORTH_ENLARGING:
            picture = contrast.resized(picture, round(rows * scale), round(columns * scale))
        found: list[tuple[Box, float]] = []
        for turns in (0, 1):
            turned = np.ascontiguousarray(np.rot90(picture, turns))
            for box, score in from_map(in_tiles(turned, self._engine.detect)):
                back = _turned_back(box, turns, picture.shape[1])
                found.append((_shrunk(back, picture.shape, (rows, columns)), score))
        return merged(found)

    def _read(self, values: contrast.Values, candidates: list[tuple[Box, float]]) -> list[_Reading]:
        """The best reading of each box: one that stands is turned, and a squarish one is read both ways."""
        lines: list[contrast.Picture] = []
        owners: list[tuple[int, bool]] = []
        for number, ((left, top, right, bottom), _) in enumerate(candidates):
            cut = contrast.full_contrast(values[top:bottom, left:right])
            height, width = cut.shape[:2]
            if width * _TALL >= height:
                lines.append(cut)
                owners.append((number, True))
            if height * _SQUARISH >= width:
                lines.append(np.ascontiguousarray(np.rot90(cut)))
                owners.append((number, False))
        best = [_Reading("", 0.0)] * len(candidates)
        for (number, upright), (text, confidence) in zip(owners, self._engine.read(lines), strict=True):
            if confidence > best[number].confidence:
                best[number] = _Reading(text, confidence, upright)
        return best


def _names_nobody(reading: _Reading, box: Box) -> bool:
    """Whether the text is a side marker or one letter alone, and the box no longer than such a text is.

    A line of which only the first letter was read must not pass for an R. But a box that stands and was read
    as it lies holds no line: narrow letters, and those at the frame's edge, are twice as high as wide.
    """
    long, short = max(box.width, box.height), min(box.width, box.height)
    letters = _letters(reading.text)
    fits = long <= max(short * _GLYPH * (1 + len(reading.text)) / 2, short * _SQUARISH)
    if reading.upright and letters == 1 and reading.confidence >= _SURE:
        fits |= box.width < box.height <= box.width * _TALL
    return fits and (is_marker(reading.text) or letters == 1)


def _is_anatomy(reading: _Reading, box: Box, frame: tuple[int, ...]) -> bool:
    """Whether there is no letter, or one of doubtful form, larger than any caption's: ribs look like that."""
    letters = _letters(reading.text)
    large = min(box.width, box.height) > _LARGE * min(frame)
    return not letters or (letters == 1 and large and reading.confidence < _PLAIN)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _turned_back(box: Box, turns: int, columns: int) -> Box:
    """A box of a picture that was turned counter-clockwise, in the picture itself."""
    if not turns:
        return box
    return Box(columns - box.bottom, box.left, columns - box.top, box.right)


def _shrunk(box: Box, picture: tuple[int, ...], frame: tuple[int, int]) -> Box:
    """A box of an enlarged picture, in the frame, rounded outwards."""
    down, across = frame[0] / picture[0], frame[1] / picture[1]
    right, bottom = int(np.ceil(box.right * across)), int(np.ceil(box.bottom * down))
    return Box(int(box.left * across), int(box.top * down), right, bottom).within(*frame)
