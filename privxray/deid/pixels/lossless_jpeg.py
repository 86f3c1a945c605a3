"""A decoder of JPEG Lossless (T.81 Annex H) for pydicom that takes differences as they wrap.

T.81 adds a difference to its prediction modulo 65,536. Some scanners (Philips and Samsung among them) count
modulo 2 to the power of the precision instead. libjpeg's results then leave the range, and it cuts them off:
the rest of the picture is white, which hides what is written in it. (pylibjpeg-libjpeg issue 90, pydicom
issue 1644.)

So libjpeg is told that the precision is 16. Nothing is cut off then. The first prediction is half of the
range, so it is another one, too, and with predictors 1 to 4 (sums of neighbours) every value moves by that
much. That is taken back, and the value's own bits are cut out. Whoever counts modulo 65,536 gets the same
picture as before.

Frames of several components, of 16 bits, with a point transform, or with the predictors 5 to 7, which halve
sums, go to libjpeg as they are.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from libjpeg.utils import decode
from pydicom.pixels.decoders import base, pylibjpeg
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

NAME: Final = "privxray"
"""What pydicom knows this decoder by."""

SYNTAXES: Final = (JPEGLossless, JPEGLosslessSV1)

DECODER_DEPENDENCIES: Final = dict.fromkeys(SYNTAXES, ("pylibjpeg-libjpeg",))

_SOF3, _SOS = 0xC3, 0xDA
_FULL = 16
_LINEAR = range(1, 5)


class _Header(NamedTuple):
    """What the headers of a frame say. ``at`` is the place of the precision in the frame's bytes."""

    at: int
    precision: int
    components: int
    predictor: int
    point_transform: int


def is_available(uid: str) -> bool:
    """Whether pydicom can use it."""
    return uid in SYNTAXES and pylibjpeg.is_available(uid)


def register() -> None:
    """Make pydicom know this decoder."""
    for syntax in SYNTAXES:
        decoder = base.get_decoder(syntax)
        if NAME not in decoder.available_plugins:
            decoder.add_plugin(NAME, (__name__, "decode_frame"))


def decode_frame(frame: bytes, runner: base.DecodeRunner) -> bytearray:
    """The samples of one compressed frame, little endian, as wide as Bits Allocated."""
    header = _header(frame)
    if header is None or not _moves(header, runner.bits_allocated):
        return pylibjpeg._decode_frame(frame, runner)
    told = bytearray(frame)
    told[header.at] = _FULL
    decoded = decode(bytes(told)).astype(np.uint16)
    samples = (decoded + np.uint16(1 << header.precision - 1)) & np.uint16((1 << header.precision) - 1)
    return bytearray(samples.astype("u1" if runner.bits_allocated == 8 else "<u2").tobytes())


def _moves(header: _Header, allocated: int) -> bool:
    """Whether another precision only moves all values of a frame, and they fit their cells."""
    return (
        header.precision < _FULL
        and header.components == 1
        and header.predictor in _LINEAR
        and not header.point_transform
        and header.precision <= allocated <= _FULL
    )


def _header(frame: bytes) -> _Header | None:
    """The headers of a frame (T.81 B.2.2 and B.2.3); None where it is no lossless frame of one scan."""
    position, at = 2, 0
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        content = position + 4
        if marker == _SOF3:
            at = content
        elif marker == _SOS:
            end = content + 1 + 2 * frame[content]
            if not at or end + 3 > len(frame):
                return None
            return _Header(at, frame[at], frame[at + 5], frame[end], frame[end + 2] & 0x0F)
        position += 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
    return None
