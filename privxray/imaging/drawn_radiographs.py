"""Drawn radiographs of nobody, for what must be measured or tried on public images.

Tested in tests/cli/test_extractors.py and tests/cli/test_model_export.py.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from privxray.imaging import chest_picture
from privxray.imaging.decode import SIZE

_SEED = 24


def drawn_radiographs(count: int) -> npt.NDArray[np.uint8]:
    """uint8 [count, 260, 260]: the same pictures each time, of the three findings in turn."""
    pictures = []
    for number in range(count):
        rng = np.random.default_rng((_SEED, number))
        child = chest_picture.Child.invent(chest_picture.FINDINGS[number % 3], rng)
        pictures.append(np.rint(255 * chest_picture.draw(child, SIZE, SIZE, rng)).astype(np.uint8))
    return np.stack(pictures)
