"""Whether a network treats each image by itself. Without that, clipping per patient protects nobody.

If a layer computes something across the batch, one patient changes the gradients of the others, and no clip
bounds that. If a layer keeps statistics of what it has seen, it releases them without noise. So layers are
admitted by their types. The network as a whole is tried out, too: a type does not show what ``forward`` does.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from privxray.errors import RefusedError

_ADMITTED = (
    nn.Conv2d,
    nn.Linear,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.ReLU,
    nn.Tanh,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
    nn.Identity,
    nn.Sequential,
)
_ADVICE = "Use group normalisation, and no layer that mixes the images of a batch or remembers them"


def require_separable(network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Check a network for [N, *shape] inputs before any patient's image reaches it.

    :raises RefusedError: a layer of a type that is not admitted (batch normalisation, dropout, ...), a
        buffer, or logits of one image that depend on another image.
    """
    for module in network.modules():
        ours = type(module).__module__.startswith("privxray.learning.")
        if not ours and type(module) not in _ADMITTED:
            raise RefusedError(
                f"this network can't be trained with privacy per patient: it has a {type(module).__name__}",
                reason="network.layer-refused",
                advice=_ADVICE,
            )
    if next(network.buffers(), None) is not None:
        raise RefusedError(
            "this network keeps statistics of what it has seen",
            reason="network.keeps-statistics",
            advice=_ADVICE,
        )
    if _mixes_images(network, shape):
        raise RefusedError(
            "this network mixes the images of a batch", reason="network.mixes-images", advice=_ADVICE
        )


def _mixes_images(network: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether the logits of one image have a derivative by another image that is not exactly zero."""
    tried = copy.deepcopy(network).requires_grad_(False)
    for parameter in tried.parameters():
        if not parameter.any():  # a last layer of zeros would hide all that comes before it
            parameter.copy_(torch.linspace(-1.0, 1.0, parameter.numel()).view_as(parameter))
    device = next(tried.parameters()).device
    images = torch.linspace(-1.0, 1.0, 2 * math.prod(shape), device=device).sin().view(2, *shape)
    images.requires_grad_(True)
    (slope,) = torch.autograd.grad(tried(images)[0].sum(), images)
    return bool((slope[1] != 0).any())
