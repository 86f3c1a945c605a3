"""Display grey: an image as numbers from 0 (black) to 255 (white), and how it is stretched and resized."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.float32]
"""``[rows, columns]``, 0 is black and 255 white."""


def stretch(values: Grey, low: float, high: float) -> Grey:
    """``low`` to 0 and ``high`` to 255, linear between, clipped; all black where ``high`` is not higher."""
    if not high > low:
        return np.zeros_like(values)
    scaled = (values - np.float32(low)) * np.float32(255 / (high - low))
    clipped: Grey = np.clip(scaled, 0, 255)
    return clipped


def shrink(grey: Grey | npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """A grey image as uint8 ``[size, size]``, resized with antialiased bilinear weights.

    The aspect ratio is not kept.
    """
    if grey.shape != (size, size):
        whole = Image.fromarray(np.ascontiguousarray(grey, dtype=np.float32))
        grey = np.asarray(whole.resize((size, size), Image.Resampling.BILINEAR))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
