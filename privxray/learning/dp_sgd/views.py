"""Augmentation multiplicity: several views of each image, all inside its patient's average.

De et al. 2022, "Unlocking high-accuracy differentially private image classification through scale", section
3.2, average the gradients of an image's views before the clip. So views cost computation, but no privacy.
Here all views of all images of a patient are one average, and the clip comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource

Mirroring = Literal["by-chance", "every-second"]
"""Which further views of an image are mirrored: each with probability 1/2, or every second view."""


@dataclass(frozen=True)
class Views:
    """How each of N views is moved.

    :param moves: [N, 3] mirrored (0 or 1), moved down, moved to the right, in pixels or fields of a map.
    """

    moves: NDArray[np.int64]

    def __getitem__(self, part: slice) -> Views:
        return Views(self.moves[part])

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[N, H, W] images, each moved as its view says.

        Where a shift leaves a gap, the pixels of the edge fill it.

        :param pixels: [N, H, W].
        """
        if not self.moves.any():
            return pixels
        result = np.empty_like(pixels)
        for at, (mirrored, down, right) in enumerate(self.moves):
            image = pixels[at, :, ::-1] if mirrored else pixels[at]
            result[at] = shifted(image, int(down), int(right))
        return result


def shifted(image: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """An image or maps [..., H, W], moved; the edge fills the gap."""
    height, width = image.shape[-2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return np.asarray(image[..., rows[:, None], columns])


@dataclass(frozen=True)
class ViewTerms:
    """How many views an image has, and how they are moved.

    :param views: >= 1; the first is the image itself.
    :param flip: whether further views are mirrored, in the way of ``mirroring``.
    :param shift: each further view is moved by -shift .. shift along each axis, all equally probable.
    """

    views: int
    flip: bool
    shift: int
    mirroring: Mirroring = "by-chance"


def draw_views(number: int, terms: ViewTerms, source: NoiseSource) -> Views:
    """All views of each of ``number`` images, in this order. The first of each is the image itself.

    Three uniform values are drawn for each further view, whatever the terms make of them.
    """
    views, shift = terms.views, terms.shift
    moves = np.zeros((number, views, 3), dtype=np.int64)
    if views > 1:
        drawn = source.uniform(number * (views - 1) * 3).reshape(number, views - 1, 3)
        mirrored = drawn[:, :, 0] < 0.5
        if terms.mirroring == "every-second":
            mirrored = np.arange(1, views) % 2 == 1
        moves[:, 1:, 0] = mirrored & terms.flip
        moves[:, 1:, 1:] = np.floor(drawn[:, :, 1:] * (2 * shift + 1)).astype(np.int64) - shift
    return Views(moves.reshape(-1, 3))
