"""The networks that dp-sgd can train, by their names, and their public starting weights.

They have group normalisation (Wu and He 2018), which looks at one image at a time. Batch normalisation
mixes the patients of a batch, so no clip of a patient's gradient would bound what that patient changes.
:mod:`privxray.learning.dp_sgd.separable` refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from privxray.learning.dp_sgd.lite_head import LiteHead
from privxray.learning.dp_sgd.resnet import ResNet18
from privxray.learning.dp_sgd.small_cnn import SmallCnn

_SEED = 20210524  # public, like the weights that it gives: they are part of the plan

NETWORKS: Mapping[str, type[SmallCnn] | type[ResNet18] | type[LiteHead]] = {
    "small-cnn": SmallCnn,
    "resnet18": ResNet18,
    "lite2-head": LiteHead,
}


def as_input(pixels: NDArray[Any]) -> torch.Tensor:
    """[N, 1, H, W] float32 in about [-1, 1] from [N, H, W] uint8, scaled by constants, not by a mean."""
    return (torch.from_numpy(np.ascontiguousarray(pixels)).float().unsqueeze(1) - 127.0) / 128.0


def device() -> torch.device:
    """The GPU, if there is one. Its results agree with the CPU's up to float32 rounding."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def network(name: str, weights: Mapping[str, NDArray[Any]], classes: int) -> nn.Module:
    """The network of this name with these weights, which have the names of :func:`initial_weights`.

    :param classes: K, the number of logits.
    """
    model = _outline(name, classes)
    copies = {key: torch.from_numpy(np.array(w, np.float32)) for key, w in weights.items()}
    model.load_state_dict(copies, assign=True)
    return model


def shapes(name: str, classes: int) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of a network, by its name, in the order of the plan's manifest."""
    return {key: tuple(p.shape) for key, p in _outline(name, classes).named_parameters()}


def initial_weights(name: str, classes: int) -> dict[str, NDArray[np.float32]]:
    """Public starting weights, the same on every machine.

    Convolutions are drawn as in He et al. 2015, "Delving deep into rectifiers", equation 10 (standard
    deviation sqrt(2 / fan-in)). Norms are the identity. The last layer is zero, so the first predictions
    are uniform.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    weights: dict[str, NDArray[np.float32]] = {}
    for key, shape in shapes(name, classes).items():
        if len(shape) == 4:
            deviation = (2.0 / float(np.prod(shape[1:]))) ** 0.5
            weights[key] = (generator.standard_normal(shape) * deviation).astype(np.float32)
        else:
            identity = key.endswith("weight") and not key.startswith("head")
            weights[key] = np.full(shape, float(identity), dtype=np.float32)
    return weights


def _outline(name: str, classes: int) -> nn.Module:
    """A network whose parameters have shapes but no numbers, so torch initialises nothing."""
    with torch.device("meta"):
        return NETWORKS[name](classes)
