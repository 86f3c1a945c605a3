"""A small convolutional network for images of one channel, made for DP-SGD."""

from __future__ import annotations

import torch
from torch import nn

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
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
        )
        self.head = nn.Linear(32 * _POOLED * _POOLED, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, K] logits of [N, 1, H, W] images in about [-1, 1]."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits


def _block(inputs: int, outputs: int, *, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2),
        nn.GroupNorm(outputs // 4, outputs),
        nn.Tanh(),
    )
