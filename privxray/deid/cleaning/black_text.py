"""Blacking text in pixels: search, black, and search again until no text is found."""

from __future__ import annotations

from privxray.deid.pixels.box import Box
from privxray.deid.pixels.dicom_pixels import DicomPixels
from privxray.deid.pixels.picture_pixels import PicturePixels
from privxray.deid.pixels.text.text_box import FindText
from privxray.deid.pixels.trouble import PixelTroubleError

STUBBORN = "text is still found in its pixels after they were blacked"

MARGIN = 2
"""Pixels that a box grows by on each side, for the soft edges of letters."""

_ROUNDS = 3


def black_text(pixels: DicomPixels | PicturePixels, find_text: FindText) -> set[Box]:
    """Black what is found until nothing is found; side markers stay.

    A box is blacked in every frame: a cine's captions stand still, and one that a frame's background hides
    from the search can be read all the same.

    :returns: what was blacked, margins included.
    :raises PixelTroubleError: the pixels can't be decoded or changed, or text is still found at the end.
    """
    blacked: set[Box] = set()
    has_text: set[int] | None = None
    for _ in range(_ROUNDS + 1):
        found: dict[int, set[Box]] = {}
        for number, frame in enumerate(pixels.for_reading()):
            # A frame without text had none before, and has only more black since.
            if has_text is None or number in has_text:
                texts = [text for text in find_text(frame, number) if text.severity == "error"]
                if texts:
                    found[number] = {box.grown(MARGIN) for text in texts for box in text.cover}
        if not found:
            return blacked
        boxes = set().union(*found.values())
        blacked |= boxes
        pixels.black(boxes)
        has_text = set(found)
    raise PixelTroubleError(STUBBORN)
