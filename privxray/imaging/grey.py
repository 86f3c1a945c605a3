"""Grey images before they have a size of their own: limits, linear stretching, and the error of a bad one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from privxray.errors import MalformedError

MAX_PIXELS = 100_000_000
"""Most pixels of an image; the largest detectors and film scanners stay under 40 million."""

MAX_BYTES = 1 << 30
"""Most bytes of a file."""

Grey = npt.NDArray[np.float32]

_ADVICE = "Leave it out of the labels, or export it again from the source"


def stretch(values: Grey, low: float, high: float) -> Grey:
    """``low`` to 0 and ``high`` to 255, linear between; a flat image becomes black."""
    if not high > low:
        return np.zeros_like(values)
    scaled = (values - np.float32(low)) * np.float32(255 / (high - low))
    clipped: Grey = np.clip(scaled, 0, 255)
    return clipped


def malformed(what: str, name: str) -> MalformedError:
    """The error of an image that can't be used."""
    return MalformedError(what, file=name, advice=_ADVICE)
