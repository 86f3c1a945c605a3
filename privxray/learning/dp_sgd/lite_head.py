"""The network ``lite2-head``: EfficientNet-Lite2 with its first blocks frozen, and an end that is trained.

The frozen blocks 0 to 13 were trained on ImageNet and see one image at a time. So their maps are computed
once an image, at the first training, and kept with the data set (``GRID`` of
:mod:`privxray.imaging.features`). What is trained starts from such maps: a group norm and the last layer,
6,003 numbers for three classes.

Tramer and Boneh 2021, "Differentially private learning needs better features (or much more data)", found that
under noise a linear layer on good public features is better than a network that learns its own. A
convolution between the two was tried here as well, and was worse at every epsilon: see docs/adr/0125.
"""

from __future__ import annotations

import torch
from torch import nn

VIEWS, CHANNELS, SIDE = 2, 120, 4
"""A row of inputs is [2, 120, 4, 4] numbers, flat: the image's maps, then those of its mirror image."""

_GROUPS = 8


class LiteHead(nn.Module):
    """Group norm, then a linear layer on the whole of a 4 x 4 map with 120 channels.

    :param classes: K, the number of logits.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, CHANNELS)
        self.flat = nn.Flatten()
        self.head = nn.Linear(CHANNELS * SIDE * SIDE, classes)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """[N, K] logits of [N, 120, 4, 4] maps."""
        logits: torch.Tensor = self.head(self.flat(self.norm(maps)))
        return logits
