"""Finding text in one frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from privxray.deid.pixeltext.boxes import Box, TextBox, from_map, overlap, union
from privxray.deid.pixeltext.engine import Engine
from privxray.deid.pixeltext.markers import is_marker

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.int16]


class TextFinder:
    """Finds text in frames, whichever way it runs.

    :param threads: CPU threads to compute with.
    :raises UsageError: the extra ``ocr`` is not installed.
    """

    def __init__(self, threads: int = 2) -> None:
        self._engine = Engine(threads)

    def find(self, pixels: Pixels, *, frame: int = 0) -> list[TextBox]:
        """The places of one frame that hold text, from top to bottom.

        :param pixels: stored values ``[rows, columns]``, or ``[rows, columns, 3]`` in colour.
        :param frame: goes into the boxes.
        :raises ValueError: another shape; that is a mistake of the caller.
        """
        grey = _grey(pixels)
        found: list[tuple[Box, float, str]] = []
        for turns in (0, 1):
            turned = np.ascontiguousarray(np.rot90(grey, turns))
            candidates = from_map(self._engine.detect(turned))
            lines = [turned[top:bottom, left:right] for (left, top, right, bottom), _ in candidates]
            for (box, score), (text, sure) in zip(candidates, self._engine.read(lines), strict=True):
                if sure >= 0.5:
                    found.append((_back(box, turns, grey.shape[1]), score * sure, text))
        return [
            TextBox(
                frame,
                box[0],
                box[1],
                box[2] - box[0],
                box[3] - box[1],
                confidence,
                "notice" if is_marker(text) else "error",
                text,
            )
            for box, confidence, text in _merged(found)
        ]


def _grey(pixels: Pixels) -> npt.NDArray[np.uint8]:
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        values = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    elif pixels.ndim == 2:
        values = pixels.astype(np.float32)
    else:
        raise ValueError("the finder takes one frame: [rows, columns] or [rows, columns, 3]")
    if pixels.dtype == np.uint8:
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    return ((values - low) * (255 / (high - low))).astype(np.uint8)


def _back(box: Box, turns: int, columns: int) -> Box:
    """A box of a frame that was turned counter-clockwise, in the frame itself."""
    if not turns:
        return box
    left, top, right, bottom = box
    return columns - bottom, left, columns - top, right


def _merged(found: list[tuple[Box, float, str]]) -> list[tuple[Box, float, str]]:
    kept: list[tuple[Box, float, str]] = []
    for box, confidence, text in sorted(found, key=lambda one: -one[1]):
        for place, (other, best, said) in enumerate(kept):
            if overlap(box, other) > 0.5:
                kept[place] = (union(box, other), best, said)
                break
        else:
            kept.append((box, confidence, text))
    return sorted(kept, key=lambda one: (one[0][1], one[0][0]))
