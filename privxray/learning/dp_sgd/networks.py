"""The networks that dp-sgd can train, by name, and their public starting weights.

Group normalisation (Wu and He 2018) looks at one image at a time. Batch normalisation would mix a batch's
patients, and then no clip of a patient's gradient bounds what that patient changes;
:mod:`privxray.learning.dp_sgd.separable` refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from privxray.learning.dp_sgd.resnet import ResNet18
from privxray.learning.dp_sgd.small_cnn import SmallCnn

_SEED = 20210524  # public; the weights it gives are part of the plan, and nothing private rests on them

NETWORKS: Mapping[str, type[SmallCnn] | type[ResNet18]] = {"small-cnn": SmallCnn, "resnet18": ResNet18}


def as_input(pixels: NDArray[Any]) -> torch.Tensor:
    """[N, H, W] uint8 to [N, 1, H, W] float32 in about [-1, 1], by constants and not by a mean."""
    return (torch.from_numpy(np.ascontiguousarray(pixels)).float().unsqueeze(1) - 127.0) / 128.0


def device() -> torch.device:
    """The GPU where there is one. Results on it agree with the CPU's up to float32 rounding."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def network(name: str, weights: Mapping[str, NDArray[Any]], classes: int) -> nn.Module:
    """The network of this name with these weights, as :func:`initial_weights` names them."""
    model = _outline(name, classes)
    copies = {key: torch.from_numpy(np.array(w, np.float32)) for key, w in weights.items()}
    model.load_state_dict(copies, assign=True)
    return model


def shapes(name: str, classes: int) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of a network, by name, in the order of the plan's manifest."""
    return {key: tuple(p.shape) for key, p in _outline(name, classes).named_parameters()}


def initial_weights(name: str, classes: int) -> dict[str, NDArray[np.float32]]:
    """Public starting weights, the same on every machine.

    Convolutions follow He et al. 2015 (standard deviation sqrt(2 / fan-in)), norms are the identity, and
    the last layer is zero, so that the first predictions are uniform.
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
    """A network without numbers: torch's own initialisation is neither wanted nor paid for."""
    with torch.device("meta"):
        return NETWORKS[name](classes)
