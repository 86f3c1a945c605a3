"""ResNet-18 (He et al. 2016, "Deep residual learning for image recognition", table 1) with group norm."""

from __future__ import annotations

import torch
from torch import nn

_GROUPS = 32  # as Wu and He 2018, "Group normalization", found best
_WIDTHS = (64, 128, 256, 512)


class ResNet18(nn.Module):
    """Four stages of two residual blocks each, for images of one channel; 11.2 million parameters.

    :param classes: K, the number of logits.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False),
            nn.GroupNorm(_GROUPS, 64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks = []
        inputs = 64
        for stage, width in enumerate(_WIDTHS):
            blocks += [_Block(inputs, width, stride=1 if stage == 0 else 2), _Block(width, width, stride=1)]
            inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(512, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, K] logits of [N, 1, H, W] images in about [-1, 1]."""
        logits: torch.Tensor = self.head(self.pool(self.blocks(self.stem(images))))
        return logits


class _Block(nn.Module):
    """Two 3 x 3 convolutions with a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.GroupNorm(_GROUPS, outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(_GROUPS, outputs),
        )
        self.around: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.around = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.GroupNorm(_GROUPS, outputs)
            )
        self.last = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.last(self.inner(images) + self.around(images))
        return result
