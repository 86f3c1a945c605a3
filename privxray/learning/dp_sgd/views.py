"""Augmentation multiplicity: several views of an image, all inside its patient's average.

After De et al. 2022, "Unlocking high-accuracy differentially private image classification through scale",
section 3.2: gradients of an image's views are averaged before the clip, so views cost computation and no
privacy. Here a patient's images and their views are one average, and the clip comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.privacy.noise import NoiseSource


@dataclass(frozen=True)
class Views:
    """How each of N views is moved: a row of ``moves`` is (mirrored, rows down, columns right)."""

    moves: NDArray[np.int64]

    def __getitem__(self, part: slice) -> Views:
        return Views(self.moves[part])

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[N, H, W] images, each as its view; the edge's values fill what a shift lays bare."""
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
    """Views for ``number`` images, ``views`` times each: the first is the image itself.

    :param flip: mirror each further view with probability 1/2.
    :param shift: move each further view by up to so many pixels either way, in both directions.
    """
    moves = np.zeros((number, views, 3), dtype=np.int64)
    if views > 1:
        drawn = source.uniform(number * (views - 1) * 3).reshape(number, views - 1, 3)
        moves[:, 1:, 0] = (drawn[:, :, 0] < 0.5) & flip
        moves[:, 1:, 1:] = np.floor(drawn[:, :, 1:] * (2 * shift + 1)).astype(np.int64) - shift
    return Views(moves.reshape(-1, 3))
