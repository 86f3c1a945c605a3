"""Why pixels can't be looked at or changed, in fixed texts that may be printed."""

from __future__ import annotations

from typing import Final

NOT_FRAMES: Final = "its pixel data does not fit its rows, columns and frames"
NOT_DECODED: Final = "its pixels can't be decoded, so they can't be searched for text"
TOO_LARGE: Final = "its pixel data is too large to be looked at"

NO_JPEG_XL: Final = "its pixels are JPEG XL, which only the extra privxray[jpegxl] can decode"

MAX_DECODED: Final = 1 << 31
"""Most bytes that compressed pixel data may unfold to."""

MAX_FRAME: Final = 100_000_000
"""Most pixels of a frame."""


class PixelTroubleError(Exception):
    """The pixels can't be looked at or changed. The text is one of this package's fixed ones."""


class JpegXlMissingError(PixelTroubleError):
    """The pixels are JPEG XL, and the extra that decodes them is not installed."""
