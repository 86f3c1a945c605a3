"""One JPEG or PNG file to display grey, through Pillow.

Steps: the file must hold one frame of a size that may be decoded; then its samples become grey, and lie as
its EXIF orientation shows them. 8 bits are taken as they are. Colour is reduced to its luma (ITU-R BT.601),
since radiographs are often kept as RGB. More than 8 bits are stretched from the smallest to the largest value
of the image, for a 16-bit PNG does not say how many of its bits are in use. Alpha is left out.
"""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from PIL import Image

from privxray.deid.pixels.picture_samples import deep_colour, is_deep_colour, orientation, turned
from privxray.errors import MalformedError
from privxray.imaging.display.grey import Grey, stretch
from privxray.imaging.display.limits import MAX_PIXELS, unusable

_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_DEEP_MODES = {"I", "I;16", "I;16B", "I;16L"}


def display_picture(data: bytes, *, name: str) -> Grey:
    """The image of a JPEG or PNG file, float32 ``[rows, columns]`` from 0 to 255.

    :param name: the file's public name, for errors.
    :raises MalformedError: it is damaged, holds several frames, has colours of another kind than radiographs
        have, or is too large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's may quote a chunk of the file
        try:
            with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
                _expect_one_frame(picture, name)
                grey = _grey(picture, data, name)
                return turned(grey, orientation(picture))
        except Image.DecompressionBombError:
            raise unusable(name, reason="image.too-many-pixels") from None
        except MalformedError:
            raise
        except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever a damaged file leads them to
            raise unusable(name, reason="image.picture-damaged") from None


def _expect_one_frame(picture: Image.Image, name: str) -> None:
    """Refuse what must not be decoded; the size is known before anything is."""
    if picture.width * picture.height > MAX_PIXELS:
        raise unusable(name, reason="image.too-many-pixels")
    if getattr(picture, "n_frames", 1) != 1:
        raise unusable(name, reason="image.several-frames")


def _grey(picture: Image.Image, data: bytes, name: str) -> Grey:
    """Grey, or the luma of a colour, as it is stored; stretched where it has more than 8 bits."""
    if is_deep_colour(data):
        picture.load()  # for what is said behind the pixels
        samples = deep_colour(data).astype(np.float32)
        values: Grey = samples[..., :3] @ _LUMA if samples.shape[2] >= len(_LUMA) else samples[..., 0]
        return stretch(values, float(values.min()), float(values.max()))
    if picture.mode in _DEEP_MODES:
        values = np.asarray(picture).astype(np.float32)
        return stretch(values, float(values.min()), float(values.max()))
    if picture.mode not in _MODES:
        raise unusable(name, reason="image.colours")
    return np.asarray(picture.convert("L")).astype(np.float32)
