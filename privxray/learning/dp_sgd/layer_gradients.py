"""The gradients of one layer's parameters, a row for each image, from what went in and what came back.

A row is computed from its own image's numbers alone. A convolution's rows are the derivative of a convolution
with one group of channels for each image, on a CPU; there it is four times as fast as Opacus's unfolded
images, which are what a GPU multiplies here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import group_norm, unfold


@dataclass(frozen=True)
class Passed:
    """What a layer saw of G images.

    :param inputs: [G, ...] what went into the layer.
    :param slopes: [G, ...] the derivative of the loss by what came out of it.
    """

    inputs: torch.Tensor
    slopes: torch.Tensor

    def __getitem__(self, part: slice) -> Passed:
        return Passed(self.inputs[part], self.slopes[part])


Rows = list[torch.Tensor]
"""One [G, P] tensor for each parameter of P numbers: a gradient for each of G images."""


def layer_rows(layer: nn.Module, passed: Passed) -> Rows:
    """The rows of a layer's own parameters, in their order. The layer is of a type in :data:`LAYERS`."""
    return [rows.flatten(start_dim=1) for rows in LAYERS[type(layer)](layer, passed)]


def _convolution(layer: nn.Module, passed: Passed) -> Rows:
    assert isinstance(layer, nn.Conv2d)
    by_image = unfolded if passed.inputs.is_cuda else as_groups
    weights = by_image(layer, passed)
    return [weights] if layer.bias is None else [weights, passed.slopes.flatten(2).sum(2)]


def as_groups(layer: nn.Conv2d, passed: Passed) -> torch.Tensor:
    """[G, *weight] as the derivative of one convolution that has a group of channels for each image."""
    number = len(passed.inputs)
    slopes, inputs = (seen.flatten(0, 1).unsqueeze(0) for seen in (passed.slopes, passed.inputs))
    # Of the weights, the derivative takes the shape and not the numbers.
    weights = layer.weight.new_empty((number * layer.out_channels, *layer.weight.shape[1:]))
    terms = (layer.stride, layer.padding, layer.dilation, False, [0], number, [False, True, False])
    found: torch.Tensor = torch.ops.aten.convolution_backward(slopes, inputs, weights, None, *terms)[1]
    return found.view(number, *layer.weight.shape)


def unfolded(layer: nn.Conv2d, passed: Passed) -> torch.Tensor:
    """[G, *weight] as products of the slopes with the unfolded images, all in one call."""
    patches = unfold(passed.inputs, layer.kernel_size, layer.dilation, layer.padding, layer.stride)  # type: ignore[arg-type]
    return torch.bmm(passed.slopes.flatten(2), patches.transpose(1, 2))


def _linear(_: nn.Module, passed: Passed) -> Rows:
    return [passed.slopes.unsqueeze(2) * passed.inputs.unsqueeze(1), passed.slopes]


def _group_norm(layer: nn.Module, passed: Passed) -> Rows:
    assert isinstance(layer, nn.GroupNorm)
    normalised = group_norm(passed.inputs, layer.num_groups, eps=layer.eps)
    return [(normalised * passed.slopes).flatten(2).sum(2), passed.slopes.flatten(2).sum(2)]


LAYERS: dict[type[nn.Module], Callable[[nn.Module, Passed], Rows]] = {
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.GroupNorm: _group_norm,
}
"""The layers whose parameters can be trained, and how."""
