"""What a network sees of an image: pixels that are scaled by constants, or the maps of frozen blocks.

Either is a function of that one image, and a view of the image is made from what is kept of it.

Tested in tests/unit/test_learning_lite_head.py and tests/unit/test_learning_patients.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd.lite_head import CHANNELS, SIDE, VIEWS
from privxray.learning.dp_sgd.networks import as_input
from privxray.learning.dp_sgd.views import Mirroring, Views, shifted

Shape = tuple[int, int, int]
"""Channels, height and width of what a network sees of one image."""


@dataclass(frozen=True)
class PixelInputs:
    """Pixels, uint8 [N, side, side].

    :ivar mirroring: which further views are mirrored.
    """

    side: int
    mirroring: ClassVar[Mirroring] = "by-chance"

    @property
    def shape(self) -> Shape:
        """Of one image as the network sees it."""
        return (1, self.side, self.side)

    def fit(self, inputs: NDArray[Any]) -> bool:
        """Whether inputs have this form."""
        return inputs.dtype == np.uint8 and inputs.shape[1:] == (self.side, self.side)

    def seen(self, inputs: NDArray[Any], views: Views) -> torch.Tensor:
        """[N, *shape] float32: each of N images in the view that stands beside it."""
        return as_input(views.of(inputs))

    def for_prediction(self, inputs: NDArray[Any]) -> list[torch.Tensor]:
        """The views whose logits are averaged into a prediction, [N, *shape] each: the images themselves."""
        return [as_input(inputs)]


@dataclass(frozen=True)
class MapInputs:
    """Maps of the frozen blocks of ``lite2-head``, flat, those of the mirror image last: float32 [N, 3840].

    :ivar mirroring: which further views are mirrored.
    """

    mirroring: ClassVar[Mirroring] = "every-second"
    shape: ClassVar[Shape] = (CHANNELS, SIDE, SIDE)
    numbers: ClassVar[int] = VIEWS * CHANNELS * SIDE * SIDE

    def fit(self, inputs: NDArray[Any]) -> bool:
        """Whether inputs have this form."""
        return inputs.dtype == np.float32 and inputs.shape[1:] == (self.numbers,)

    def seen(self, inputs: NDArray[Any], views: Views) -> torch.Tensor:
        """See :meth:`PixelInputs.seen`; a shift is by so many fields of the map."""
        mirrored, down, right = views.moves.T
        maps = inputs.reshape(len(inputs), VIEWS, *self.shape)[np.arange(len(inputs)), mirrored]
        for at in np.flatnonzero(down | right):
            maps[at] = shifted(maps[at], int(down[at]), int(right[at]))
        return torch.from_numpy(np.ascontiguousarray(maps))

    def for_prediction(self, inputs: NDArray[Any]) -> list[torch.Tensor]:
        """See :meth:`PixelInputs.for_prediction`: the images and their mirror images."""
        halves = inputs.reshape(len(inputs), VIEWS, *self.shape)
        return [torch.from_numpy(np.ascontiguousarray(halves[:, view])) for view in range(VIEWS)]


NetworkInputs = PixelInputs | MapInputs


def inputs_of(constants: DpSgdConstants) -> NetworkInputs:
    """What the network of these constants sees."""
    return MapInputs() if constants.network == "lite2-head" else PixelInputs(constants.image_size)
