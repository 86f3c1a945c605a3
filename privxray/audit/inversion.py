"""Gradient inversion: the image behind an update.

After Geiping et al. 2020, "Inverting gradients: how easy is it to break privacy in federated learning?",
equation 4. The attacker looks for the image whose gradient points the same way as the one that was seen, by
cosine distance; total variation stands for what is known of images beforehand. The search is Adam on the sign
of the derivative, with steps that get smaller, from several random starts. The attacker is told the label,
and the weights are public.
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

from privxray.audit.image_similarity import psnr, ssim
from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd.networks import network
from privxray.learning.interface import Progress, Task
from privxray.privacy.noise import NoiseSource

Picture = NDArray[np.uint8]

_VARIATION = 5e-3  # weight of total variation
_RATE = 0.1
_SLOWER = (3 / 8, 5 / 8, 7 / 8)  # of all steps: where the rate falls to a tenth, as in the paper
_MARGIN = 0.1  # of SSIM


@dataclass(frozen=True)
class Search:
    """How hard the attacker tries.

    :ivar steps: of one search, >= 1.
    :ivar restarts: searches from random starts, >= 1.
    """

    steps: int = 500
    restarts: int = 3


@dataclass(frozen=True)
class Reconstruction:
    """The best image that was found, and how like the patient's image it is.

    :ivar picture: uint8 [size, size].
    :ivar distance: cosine distance of its gradient, plus the weighted variation: what the attacker sees.
    :ivar ssim: to the patient's image.
    :ivar psnr: to the patient's image, in dB.
    :ivar decoy_ssim: the largest SSIM to an image that has nothing to do with the update.
    """

    picture: Picture
    distance: float
    ssim: float
    psnr: float
    decoy_ssim: float

    @property
    def recognised(self) -> bool:
        """Whether it is clearly more like the patient's image than like any other."""
        return self.ssim > self.decoy_ssim + _MARGIN


def reconstruct(
    update: Mapping[str, NDArray[Any]],
    task: Task[DpSgdConstants],
    label: int,
    source: NoiseSource,
    search: Search,
    progress: Progress | None = None,
) -> tuple[Picture, float]:
    """Search for the image whose gradient points against ``update``.

    :param update: how far each weight moved in one step from ``task.start`` on one image.
    :param label: the image's class.
    :returns: the best image of all restarts by the attacker's own measure, [size, size], and that measure.
    """
    model = network(task.constants.network, task.start, len(task.classes))
    target = [torch.from_numpy(np.asarray(-update[key], np.float32)) for key in task.start]
    length = math.sqrt(sum(float(t.square().sum()) for t in target))
    target = [t / length for t in target]
    size = task.constants.image_size
    found = []
    for restart in range(search.restarts):
        first = torch.from_numpy(source.gaussian((1, 1, size, size), 0.5)).float().clamp(-1, 1)
        found.append(_descend(model, target, torch.tensor([label]), first, search.steps))
        if progress:
            progress(restart + 1, search.restarts)
    distance, image = min(found, key=lambda one: one[0])
    grey = image[0, 0].numpy() * 128.0 + 127.0  # as_input's inverse
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8), distance


def compare(picture: Picture, distance: float, truth: Picture, decoys: NDArray[np.uint8]) -> Reconstruction:
    """Compare a found image with the patient's, and with images that have nothing to do with the update.

    :param truth: the patient's image. :param decoys: [n, H, W], n >= 1.
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
    """One search: the last image, and its measure; infinite where that is not a number."""
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
    """The attacker's measure of an image: equation 4, for a target of length 1."""
    parameters = list(model.parameters())
    gradient = torch.autograd.grad(cross_entropy(model(image), label), parameters, create_graph=True)
    along = torch.stack([(g * t).sum() for g, t in zip(gradient, target, strict=True)]).sum()
    length = torch.stack([g.square().sum() for g in gradient]).sum().sqrt()
    variation = (image[..., 1:] - image[..., :-1]).abs().mean()
    variation = variation + (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    return 1.0 - along / length.clamp(min=1e-12) + _VARIATION * variation
