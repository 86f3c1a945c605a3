"""Whether a network treats each image on its own: without that, per-patient clipping protects nobody.

A layer that computes anything across the batch lets one patient change the others' gradients, beyond every
clip. A layer that keeps statistics of what it has seen releases them without noise. So modules are admitted
by name, and the network as a whole is tried out as well, for ``forward`` can do what no module's name tells.
"""

from __future__ import annotations

import copy

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
_ADVICE = "Use group normalisation, and nothing that looks across a batch or keeps what it saw"


def require_separable(network: nn.Module, image_size: int) -> None:
    """Check a network of [N, 1, H, W] images before any patient's image reaches it.

    :raises RefusedError: a module that is not on the list (batch normalisation, dropout, ...), a buffer, or
        an image whose logits depend on the image beside it.
    """
    for module in network.modules():
        ours = type(module).__module__.startswith("privxray.learning.")
        if not ours and type(module) not in _ADMITTED:
            raise RefusedError(
                f"this network can't be trained with privacy per patient: {type(module).__name__}",
                advice=_ADVICE,
            )
    if next(network.buffers(), None) is not None:
        raise RefusedError("this network keeps statistics of what it has seen", advice=_ADVICE)
    if _looks_across(network, image_size):
        raise RefusedError("this network mixes the images of a batch", advice=_ADVICE)


def _looks_across(network: nn.Module, size: int) -> bool:
    """Whether the first image's logits have a derivative by the second image that is not exactly zero."""
    tried = copy.deepcopy(network).requires_grad_(False)
    for parameter in tried.parameters():
        if not parameter.any():  # a last layer of zeros would hide everything before it
            parameter.copy_(torch.linspace(-1.0, 1.0, parameter.numel()).view_as(parameter))
    device = next(tried.parameters()).device
    images = torch.linspace(-1.0, 1.0, 2 * size * size, device=device).sin().view(2, 1, size, size)
    images.requires_grad_(True)
    (slope,) = torch.autograd.grad(tried(images)[0].sum(), images)
    return bool((slope[1] != 0).any())
