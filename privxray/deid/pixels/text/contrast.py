"""A frame's stored values as the 8-bit pictures that the networks work on.

The detector and the reader see different pictures. The **detector** sees the whole frame with
:func:`even_contrast`: each pixel minus the mean of its surroundings, divided by their spread (local contrast
normalisation). A caption that stands out by 15 of 255 grey values then looks like any other; the share of
such captions that PP-OCRv4 found rose from one in six to four in five. No window is needed: a
12-bit film, a caption at a value that the image nowhere else reaches, and MONOCHROME1 make no difference. The
**reader** sees one line of text with :func:`full_contrast`, stretched by itself, since even contrast draws
seams around glyphs.

Colours keep their three channels all the way, for red on grey of the same luma would vanish in grey.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Values = npt.NDArray[np.float32]
"""``[rows, columns]``, or ``[rows, columns, 3]`` as red, green, blue; 0 to 255 for most of the frame."""

Picture = npt.NDArray[np.uint8]

RADIUS = 24
"""The surroundings of a pixel are a square that reaches this far in each direction: 49 by 49."""

FLOOR = 6.0
"""Spread below this counts as this. Otherwise the noise of a flat place would get full contrast."""

GAIN = 40.0
"""Grey values that one spread becomes in :func:`even_contrast`."""

_REACH = 2.0
_CORE = (0.5, 99.5)
_SAMPLES = 1 << 18


def common_scale(pixels: npt.NDArray[np.generic]) -> Values:
    """Stored values on a common scale: 8 bits as they are, others so that nearly all fill 0 to 255.

    A few values far outside, such as those of padding or of a caption, stay outside, up to twice the range.

    :param pixels: one frame, ``[rows, columns]`` or ``[rows, columns, 3]``, of any number type.
    :raises ValueError: another shape, or no pixel. That is a mistake of the caller.
    """
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)) or not pixels.size:
        raise ValueError("one frame is needed: [rows, columns] or [rows, columns, 3]")
    plain = pixels.astype(np.float32)
    if pixels.dtype == np.uint8:
        return plain
    if pixels.dtype.kind == "f":
        plain = np.nan_to_num(plain, nan=0.0, posinf=0.0, neginf=0.0)
    some = plain.ravel()[:: max(plain.size // _SAMPLES, 1)]
    low, high = (float(value) for value in np.percentile(some, _CORE))
    if not high > low:
        low, high = float(plain.min()), float(plain.max())
    if not high > low:
        return np.zeros_like(plain)
    plain -= np.float32(low)
    plain *= np.float32(255 / (high - low))
    return np.clip(plain, -255 * _REACH, 255 * (1 + _REACH), out=plain)


def even_contrast(frame: Values) -> Picture:
    """The frame with the same mean and spread everywhere, uint8 around 128."""
    if frame.ndim == 3:
        return np.stack(
            [even_contrast(np.ascontiguousarray(frame[..., channel])) for channel in range(3)], axis=2
        )
    side = 2 * RADIUS + 1
    mean = ndimage.uniform_filter(frame, side)
    out = frame - mean
    # The mean square of the difference to the mean, not the difference of mean squares: float32 is enough.
    spread = ndimage.uniform_filter(out * out, side)
    np.maximum(spread, np.float32(FLOOR**2), out=spread)  # its running sums can end just below 0
    np.sqrt(spread, out=spread)
    out /= spread
    out *= np.float32(GAIN)
    out += np.float32(128.5)
    return _bytes(out)


def full_contrast(frame: Values) -> Picture:
    """A part of a frame, stretched from its own darkest to its own brightest value."""
    low, high = (float(value) for value in np.percentile(frame, (1, 99)))
    if not high > low:
        low, high = float(frame.min()), float(frame.max())
    if not high > low:
        return np.zeros(frame.shape, np.uint8)
    return _bytes((frame - low) * np.float32(255 / (high - low)))


def resized(picture: Picture, rows: int, columns: int) -> Picture:
    """The picture in another size, bicubic."""
    whole = Image.fromarray(picture)
    return np.asarray(whole.resize((columns, rows), Image.Resampling.BICUBIC))


def _bytes(values: Values) -> Picture:
    picture: Picture = np.clip(values, 0, 255).astype(np.uint8)
    return picture
