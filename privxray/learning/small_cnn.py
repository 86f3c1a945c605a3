"""A small convolutional network for one-channel images, made for DP-SGD.

Group normalisation (Wu and He 2018) looks at one image at a time. Batch normalisation would mix a batch's
patients, and then no clip of a patient's gradient bounds what that patient changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_SEED = 20210524  # public; the weights it gives are part of the plan, and nothing private rests on them
_POOLED = 4


class SmallCnn(nn.Module):
    """Three strided convolutions, each with group norm and tanh, then a linear layer on a 4 x 4 map.

    tanh rather than ReLU: bounded activations keep gradients short, so the clip takes less away
    (Papernot et al. 2021, "Tempered sigmoid activations for deep learning with differential privacy").
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
        """[N, 1, H, W] of :func:`as_input` to [N, K] logits."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits


def as_input(pixels: NDArray[Any]) -> torch.Tensor:
    """[N, H, W] uint8 to [N, 1, H, W] float32 in about [-1, 1], by constants and not by a mean."""
    return (torch.from_numpy(np.ascontiguousarray(pixels)).float().unsqueeze(1) - 127.0) / 128.0


def network(weights: Mapping[str, NDArray[Any]], classes: int) -> SmallCnn:
    """The network with these weights, as :func:`initial_weights` names them."""
    model = SmallCnn(classes)
    model.load_state_dict({name: torch.from_numpy(np.array(w, np.float32)) for name, w in weights.items()})
    return model


def initial_weights(classes: int) -> dict[str, NDArray[np.float32]]:
    """Public starting weights, the same on every machine.

    Convolutions follow He et al. 2015 (standard deviation sqrt(2 / fan-in)), norms are the identity, and
    the last layer is zero, so that the first predictions are uniform.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    weights: dict[str, NDArray[np.float32]] = {}
    for name, parameter in SmallCnn(classes).named_parameters():
        shape = tuple(parameter.shape)
        if len(shape) == 4:
            deviation = (2.0 / float(np.prod(shape[1:]))) ** 0.5
            weights[name] = (generator.standard_normal(shape) * deviation).astype(np.float32)
        else:
            identity = name.endswith("weight") and not name.startswith("head")
            weights[name] = np.full(shape, float(identity), dtype=np.float32)
    return weights


def _block(inputs: int, outputs: int, *, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2),
        nn.GroupNorm(outputs // 4, outputs),
        nn.Tanh(),
    )
