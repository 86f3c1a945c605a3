"""Before and around decoding: the size that a compressed frame states, and keeping decoders quiet.

Tested in tests/unit/test_deid_pixel_parts.py.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Start-of-frame markers of JPEG (T.81 Table B.1) and JPEG-LS (T.87). C4, C8 and CC lie between them.
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def frame_size(frame: bytes) -> tuple[int, int] | None:
    """The rows and columns that a JPEG, JPEG-LS or JPEG 2000 codestream states; None where it states none."""
    main_header = frame.find(b"\xff\x4f\xff\x51")  # SOC, SIZ (T.800 A.5.1); JP2 boxes may come before
    if main_header >= 0 and not frame.startswith(b"\xff\xd8"):
        columns, rows, left, top = (
            int.from_bytes(frame[start : start + 4], "big")
            for start in range(main_header + 8, main_header + 24, 4)
        )
        return rows - top, columns - left
    position = 2
    while position + 9 <= len(frame):
        if frame[position] != 0xFF:
            return None
        marker = frame[position + 1]
        if marker in _FRAME_MARKERS:
            size = frame[position + 5 : position + 9]
            return int.from_bytes(size[:2], "big"), int.from_bytes(size[2:], "big")
        if marker == 0xFF:  # fill byte
            position += 1
        else:
            position += 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
    return None


@contextmanager
def silence() -> Iterator[None]:
    """Suppress what pydicom and the decoders log and warn of, for it may quote a value."""
    # Without any handler Python would print a log line to stderr; this one drops it.
    handler = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in ("pydicom", "pylibjpeg", "libjpeg", "openjpeg", "rle")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate
