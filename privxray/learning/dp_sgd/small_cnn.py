"""A small convolutional network for images of one channel, made for DP-SGD."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

_POOLED = 4


class SmallCnn(nn.Module):
    """Three strided convolutions, each with group norm and tanh, then a linear layer on a 4 x 4 map.

    tanh and not ReLU, because bounded activations keep gradients short, so the clip takes less away
    (Papernot et al. 2021, "Tempered sigmoid activations for deep learning with differential privacy").

    :param classes: K, the number of logits.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _block(1, 16, kernel=5),
            _block(16, 32, kernel=3),
            _block(32, 32, kernel=3),
            GridMeans(),
            nn.Flatten(),
        )
        self.head = nn.Linear(32 * _POOLED * _POOLED, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, K] logits of [N, 1, H, W] images in about [-1, 1]."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits


class GridMeans(nn.Module):
    """Means over the fields of a 4 x 4 grid, as ``nn.AdaptiveAvgPool2d(4)`` gives them.

    Where fields overlap, a GPU adds up that layer's derivative in whatever order its threads arrive, so the
    last bits differ from run to run. There the means are two products of matrices instead.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, C, 4, 4] means of [N, C, H, W]."""
        return self.by_products(images) if images.is_cuda else adaptive_avg_pool2d(images, _POOLED)

    def by_products(self, images: torch.Tensor) -> torch.Tensor:
        """The same up to rounding, on any device."""
        down, across = (_shares(size).to(images.device) for size in images.shape[2:])
        return down @ images @ across.T


def _shares(size: int) -> torch.Tensor:
    """[4, size] by how much each place counts in the mean of each field."""
    fields = torch.arange(_POOLED).unsqueeze(1)
    start, stop = fields * size // _POOLED, -(-(fields + 1) * size // _POOLED)
    inside = (torch.arange(size) >= start) & (torch.arange(size) < stop)
    return inside / (stop - start)


def _block(inputs: int, outputs: int, *, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2),
        nn.GroupNorm(outputs // 4, outputs),
        nn.Tanh(),
    )
