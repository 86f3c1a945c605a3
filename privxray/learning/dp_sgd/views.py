"""Augmentation multiplicity: several views of each image, all inside its patient's average.

De et al. 2022, "Unlocking high-accuracy differentially private image classification through scale", section
3.2, average the gradients of an image's views before the clip. So views cost computation, but no privacy.
Here all views of all images of a patient are one average, and the clip comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource


@dataclass(frozen=True)
class Views:
    """How each of N views is moved.

    :param moves: [N, 3] mirrored (0 or 1), pixels down, pixels to the right.
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
        height, width = pixels.shape[1:]
        result = np.empty_like(pixels)
        for at, (mirrored, down, right) in enumerate(self.moves):
            rows = np.clip(np.arange(height) - down, 0, height - 1)
            columns = np.clip(np.arange(width) - right, 0, width - 1)
            image = pixels[at, :, ::-1] if mirrored else pixels[at]
            result[at] = image[rows[:, None], columns]
        return result


def draw_views(number: int, views: int, flip: bool, shift: int, source: NoiseSource) -> Views:
    """``views`` views of each of ``number`` images, in this order. The first of each is the image itself.

    :param flip: whether each further view is mirrored, with probability 1/2.
    :param shift: each further view is moved by -shift .. shift pixels along each axis, all equally probable.
    """
    moves = np.zeros((number, views, 3), dtype=np.int64)
    if views > 1:
        drawn = source.uniform(number * (views - 1) * 3).reshape(number, views - 1, 3)
        moves[:, 1:, 0] = (drawn[:, :, 0] < 0.5) & flip
        moves[:, 1:, 1:] = np.floor(drawn[:, :, 1:] * (2 * shift + 1)).astype(np.int64) - shift
    return Views(moves.reshape(-1, 3))
