"""Gradient inversion: the image behind an update.

After Geiping et al. 2020, "Inverting gradients: how easy is it to break privacy in federated learning?",
equation 4: the image whose gradient has the direction of the one that was seen, by cosine distance, with
total variation as what is known of images beforehand; found by Adam on the sign of the derivative, with steps
that get smaller, from several random starts. The label is given to the attacker, and the weights are public.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from privxray.audit.likeness import psnr, ssim
from privxray.learning.dp_sgd.networks import network
from privxray.learning.interface import Progress
from privxray.privacy.noise import NoiseSource

Picture = NDArray[np.uint8]

_VARIATION = 5e-3  # weight of total variation
_RATE = 0.1
_SLOWER = (3 / 8, 5 / 8, 7 / 8)  # of all steps: where the rate falls to a tenth (as the paper has it)
_MARGIN = 0.1


@dataclass(frozen=True)
class Search:
    """How hard the attacker tries: steps of one search, and searches from random starts."""

    steps: int = 500
    restarts: int = 3


@dataclass(frozen=True)
class Reconstruction:
    """The best image that was found, and how it compares.

    :param distance: cosine distance of its gradient, plus the weighted variation: what the attacker sees.
    :param decoy_ssim: the largest SSIM to an image that has nothing to do with the update.
    """

    picture: Picture
    distance: float
    ssim: float
    psnr: float
    decoy_ssim: float

    @property
    def recognised(self) -> bool:
        """Whether it is clearly more like the patient's image than like anybody else's."""
        return self.ssim > self.decoy_ssim + _MARGIN


def reconstruct(
    update: Mapping[str, NDArray[Any]],
    start: Mapping[str, NDArray[Any]],
    name: str,
    classes: int,
    label: int,
    size: int,
    source: NoiseSource,
    search: Search,
    progress: Progress | None = None,
) -> tuple[Picture, float]:
    """Search for the image, [size, size], whose gradient points against ``update``.

    :param name: of the network. :param start: the weights that the update starts from.
    :returns: the best image of all restarts by the attacker's own measure, and that measure.
    """
    model = network(name, start, classes)
    target = [torch.from_numpy(np.asarray(-update[key], np.float32)) for key in start]
    length = math.sqrt(sum(float(t.square().sum()) for t in target))
    target = [t / length for t in target]
    best: tuple[float, torch.Tensor] | None = None
    for restart in range(search.restarts):
        first = torch.from_numpy(source.gaussian((1, 1, size, size), 0.5)).float().clamp(-1, 1)
        found = _descend(model, target, torch.tensor([label]), first, search.steps)
        if best is None or found[0] < best[0]:
            best = found
        if progress:
            progress(restart + 1, search.restarts)
    assert best is not None
    grey = best[1][0, 0].numpy() * 128.0 + 127.0  # as_input's inverse
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8), best[0]


def compare(picture: Picture, distance: float, truth: Picture, decoys: NDArray[np.uint8]) -> Reconstruction:
    """Hold a found image against the patient's and against unconcerned ones.

    :param decoys: [n, H, W], n >= 1.
    """
    return Reconstruction(
        picture=picture,
        distance=distance,
        ssim=ssim(picture, truth),
        psnr=psnr(picture, truth),
        decoy_ssim=max(ssim(picture, decoy) for decoy in decoys),
    )


def _descend(
    model: torch.nn.Module,
    target: list[torch.Tensor],
    label: torch.Tensor,
    first: torch.Tensor,
    steps: int,
) -> tuple[float, torch.Tensor]:
    """One search: the least measure that is finite, and its image."""
    image = first.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=_RATE)
    slower = torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(share * steps) for share in _SLOWER], 0.1)
    measure = _measure(model, target, image, label)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(measure, image)
        image.grad = slope.nan_to_num().sign()
        optimizer.step()
        slower.step()
        with torch.no_grad():
            image.clamp_(-1.0, 1.0)
        measure = _measure(model, target, image, label)
    value = float(measure.detach())
    return (value if math.isfinite(value) else math.inf), image.detach()


def _measure(
    model: torch.nn.Module, target: list[torch.Tensor], image: torch.Tensor, label: torch.Tensor
) -> torch.Tensor:
    """Equation 4, for a target of length 1."""
    parameters = list(model.parameters())
    gradient = torch.autograd.grad(cross_entropy(model(image), label), parameters, create_graph=True)
    along = torch.stack([(g * t).sum() for g, t in zip(gradient, target, strict=True)]).sum()
    length = torch.stack([g.square().sum() for g in gradient]).sum().sqrt()
    variation = (image[..., 1:] - image[..., :-1]).abs().mean()
    variation = variation + (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return 1.0 - along / length.clamp(min=1e-12) + _VARIATION * variation
