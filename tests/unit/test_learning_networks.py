"""The networks are of the sizes that are said, see one image at a time, and start the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from privxray.learning.dp_sgd.lite_head import LiteHead
from privxray.learning.dp_sgd.networks import NETWORKS, as_input, initial_weights, network, shapes
from privxray.learning.dp_sgd.resnet import ResNet18
from privxray.learning.dp_sgd.small_cnn import GridMeans, SmallCnn


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("kind", "name", "size", "layers"),
    [
        (SmallCnn, "small-cnn", 16_003, 3),
        (ResNet18, "resnet18", 11_171_779, 20),
        (LiteHead, "lite2-head", 6_003, 0),
    ],
)
def test_a_network_is_of_the_size_that_is_said(
    kind: type[nn.Module], name: str, size: int, layers: int
) -> None:
    assert NETWORKS[name] is kind
    model = kind(3)
    assert sum(p.numel() for p in model.parameters()) == size
    assert sum(isinstance(module, nn.Conv2d) for module in model.modules()) == layers
    assert {key: tuple(p.shape) for key, p in model.named_parameters()} == shapes(name, 3)
    assert list(model.buffers()) == []


@pytest.mark.parametrize("name", ["small-cnn", "resnet18"])
def test_the_first_predictions_are_uniform_for_images_of_any_size(name: str) -> None:
    model = network(name, initial_weights(name, 4), 4)
    for side in (32, 40):
        assert model(torch.ones(2, 1, side, side)).tolist() == [[0.0] * 4] * 2


# What every plan with built-in weights was signed over.
DIGESTS = {
    "small-cnn": "4e5f2960fb45d87cd58066840256e0ab",
    "resnet18": "167ab3aeca1f2630815156e34bf1d620",
    "lite2-head": "5acb29b14791b14e07bff0894e622f6a",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_public_weights_are_those_of_every_version(name: str) -> None:
    weights = initial_weights(name, 3)
    digest = hashlib.sha256()
    for key, value in weights.items():
        digest.update(key.encode())
        digest.update(value.tobytes())
    assert digest.hexdigest()[:32] == DIGESTS[name]


def test_pixels_are_scaled_by_constants() -> None:
    pixels = np.array([[[0, 127], [128, 255]]], np.uint8)
    assert as_input(pixels).tolist() == [[[[-127 / 128, 0.0], [1 / 128, 1.0]]]]
    assert as_input(pixels).dtype == torch.float32


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (5, 7), (3, 2), (28, 28)])
def test_the_means_of_a_grid_are_torch_s_in_both_ways(height: int, width: int) -> None:
    images = torch.linspace(-1, 1, 2 * 3 * height * width).sin().view(2, 3, height, width)
    expected = torch.nn.AdaptiveAvgPool2d(4)(images)
    assert torch.equal(GridMeans()(images), expected)
    assert torch.allclose(GridMeans().by_products(images), expected, atol=1e-6)
