"""A radiograph, and the same with the regions that spoke for a class, as ``data:`` URLs of JPEG files.

Tested in tests/unit/test_charts.py.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Field = npt.NDArray[np.float64]

_WARM = np.array([255.0, 96.0, 0.0])
_MOST = 0.6  # of the warm colour where a place speaks most for the class
_QUALITY = 80
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "middle", "right")


def radiograph_url(image: npt.NDArray[np.uint8]) -> str:
    """A grey image, uint8 [H, W]."""
    return _url(Image.fromarray(image))


def region_url(image: npt.NDArray[np.uint8], field: Field) -> str:
    """A grey image, warm where the field is positive: the more, the larger it is.

    :param image: uint8 [H, W]. :param field: [h, w] of what each place adds to the class's score.
    """
    strength = np.clip(field, 0.0, None)
    strength = strength / strength.max() if strength.max() > 0 else strength
    small = Image.fromarray((strength * 255).astype(np.uint8))
    large = np.asarray(small.resize((image.shape[1], image.shape[0]), Image.Resampling.BICUBIC)) / 255.0
    share = (_MOST * large)[..., None]
    mixed = image[..., None] * (1 - share) + _WARM * share
    return _url(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)))


def strongest_place(field: Field) -> str:
    """Where a field is largest, in words: the third of the picture's height and width, as one sees them."""
    thirds = np.zeros((3, 3))
    rows, columns = (np.arange(side) * 3 // side for side in field.shape)
    np.add.at(thirds, (rows[:, None], columns[None, :]), np.clip(field, 0.0, None))
    row, column = divmod(int(thirds.argmax()), 3)
    if _ROWS[row] == _COLUMNS[column]:
        return "in the middle of the picture"
    return f"in the {_ROWS[row]} {_COLUMNS[column]} of the picture"


def _url(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
