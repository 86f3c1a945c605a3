"""EfficientNet-Lite2 up to its pooled features, built from the state dict of a trained network.

The network is EfficientNet (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", ICML 2019) in the "Lite" variant that Google published in 2020: no squeeze-and-excitation, ReLU6
in place of swish, and a stem and head that are not scaled. It is used frozen here. So each batch norm is
folded into its convolution while building, and nothing of it can be trained.

The weights come from TensorFlow, whose "SAME" padding puts the odd pixel of a stride-2 convolution at the
bottom and right. PyTorch's symmetric padding would shift every map by half a pixel there. These weights have
never seen such maps, and the network would give other features under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from privxray.imaging.extractors.pinned_files import SIZE

DIM = 1280
"""Length of the pooled feature vector."""

LEAST_LENGTH = 1e-12
"""What a length of zero counts as, where something is divided by it."""

GRID_FIELD, GRID_STRIDE = 5, 4
"""Places along the side of a field of a 4 x 4 grid, and from one field to the next, in a map of 17 x 17."""

_BN_EPSILON = 1e-3  # TensorFlow's default; PyTorch's is 1e-5


@dataclass(frozen=True)
class _Stage:
    """Blocks of one shape; the first of them has the stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int


@dataclass(frozen=True)
class _Convolution:
    """The shape of a convolution.

    :ivar size: side of the input map, which decides the padding where ``stride`` is 2.
    :ivar active: followed by ReLU6.
    """

    kernel: int = 1
    stride: int = 1
    size: int = 0
    depthwise: bool = False
    active: bool = True


# Table 1 of the paper with the depth multiplier 1.2 of Lite2 (the first and last stage are not scaled).
_STAGES = (
    _Stage(1, 3, 1, 1),
    _Stage(3, 3, 2, 6),
    _Stage(3, 5, 2, 6),
    _Stage(4, 3, 2, 6),
    _Stage(4, 5, 1, 6),
    _Stage(5, 5, 2, 6),
    _Stage(1, 3, 1, 6),
)


class Block(nn.Module):
    """Inverted residual: expand, depthwise, project; the input is added where the shape stays."""

    def __init__(self, layers: nn.Sequential, *, residual: bool) -> None:
        super().__init__()
        self.layers = layers
        self.residual = residual

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The block's map, from the map before it."""
        out: torch.Tensor = self.layers(maps)
        return out.add_(maps) if self.residual else out


def build(state: Mapping[str, torch.Tensor]) -> nn.Module:
    """The frozen network from float32 ``[B, 3, 260, 260]`` in about ``[-1, 1]`` to ``[B, 1280]``.

    :param state: the tensors of a trained EfficientNet-Lite2; its classifier is left out.
    :raises KeyError: a tensor is missing.
    :raises ValueError: a tensor is left over, or has a shape that does not fit.
    """
    weights = _Weights(state)
    layers: list[nn.Module] = list(weights.folded("_conv_stem", "_bn0", _Convolution(3, 2, SIZE)))
    size = _halved(SIZE)
    index = 0
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            shape = _Convolution(stage.kernel, stage.stride if repeat == 0 else 1, size, depthwise=True)
            expands = stage.expand > 1
            layers.append(_block(weights, f"_blocks.{index}", shape, expands=expands, residual=repeat > 0))
            size = _halved(size) if shape.stride == 2 else size
            index += 1
    layers += [*weights.folded("_conv_head", "_bn1"), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    weights.expect_used_up()
    return nn.Sequential(*layers).eval().requires_grad_(False)


Region = Literal["whole", "centre", "sides"]


class MapMeans(nn.Module):
    """Means over regions of some blocks' maps, side by side: each at length 1, and the row at length 1.

    The network runs no further than the last of these blocks. Earlier blocks know edges and textures, later
    ones the objects of ImageNet, and a radiograph has the former.

    A map is cut in thirds: ``centre`` is its middle third in both directions, where the heart and the hila
    are, ``sides`` the left and the right third, where the lungs are.

    :param network: of :func:`build`.
    :param parts: indices of inverted residual blocks, from 0, ascending, each with a region of its map.
    :ivar stretches: the layers up to the first block that is read, from there to the second, and so on.
    :ivar regions: for each stretch the regions of its map.
    :ivar dim: D, the numbers of a row.
    """

    def __init__(self, network: nn.Module, parts: Sequence[tuple[int, Region]]) -> None:
        super().__init__()
        layers = list(network.children())
        places = [place for place, layer in enumerate(layers) if isinstance(layer, Block)]
        blocks = sorted({block for block, _ in parts})
        ends = [places[block] + 1 for block in blocks]
        starts = [0, *ends[:-1]]
        self.stretches = nn.ModuleList(
            nn.Sequential(*layers[start:end]) for start, end in zip(starts, ends, strict=True)
        )
        self.regions = [[region for number, region in parts if number == block] for block in blocks]
        self.dim = sum(_channels(layers[places[block]]) for block, _ in parts)
        self.eval().requires_grad_(False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Rows ``[B, D]`` of length 1, D the parts' channels in all, from ``[B, 3, 260, 260]``."""
        means = []
        for stretch, regions in zip(self.stretches, self.regions, strict=True):
            maps = stretch(maps)
            means += [_region_mean(maps, region) for region in regions]
        rows = [nn.functional.normalize(mean, eps=LEAST_LENGTH) for mean in means]
        row: torch.Tensor = torch.cat(rows, dim=1) / len(rows) ** 0.5
        return row


class GridMap(nn.Sequential):
    """A block's map as means over 4 x 4 fields, ``[B, C * 16]`` from ``[B, 3, 260, 260]``.

    The fields have 5 x 5 places of 17 x 17 and overlap by one, as those of ``nn.AdaptiveAvgPool2d(4)``.

    :param network: of :func:`build`.
    :param block: index of an inverted residual block from 7 to 14, whose maps are 17 x 17.
    """

    def __init__(self, network: nn.Module, block: int) -> None:
        layers = list(network.children())
        end = [place for place, layer in enumerate(layers) if isinstance(layer, Block)][block] + 1
        super().__init__(*layers[:end], nn.AvgPool2d(GRID_FIELD, GRID_STRIDE), nn.Flatten())
        self.eval().requires_grad_(False)


def _channels(block: nn.Module) -> int:
    return int([layer.out_channels for layer in block.modules() if isinstance(layer, nn.Conv2d)][-1])


def _region_mean(maps: torch.Tensor, region: Region) -> torch.Tensor:
    third = maps.shape[2] // 3
    if region == "centre":
        maps = maps[:, :, third:-third, third:-third]
    elif region == "sides":
        maps = torch.cat([maps[:, :, :, :third], maps[:, :, :, -third:]], dim=3)
    mean: torch.Tensor = maps.mean(dim=(2, 3))
    return mean


def _block(
    weights: _Weights, prefix: str, depthwise: _Convolution, *, expands: bool, residual: bool
) -> Block:
    layers: list[nn.Module] = []
    if expands:
        layers += weights.folded(f"{prefix}._expand_conv", f"{prefix}._bn0")
    layers += weights.folded(f"{prefix}._depthwise_conv", f"{prefix}._bn1", depthwise)
    layers += weights.folded(f"{prefix}._project_conv", f"{prefix}._bn2", _Convolution(active=False))
    return Block(nn.Sequential(*layers), residual=residual)


class _Weights:
    """Takes tensors out of a state dict, each once, so that none is forgotten."""

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        self._state = state
        self._left = {name for name in state if not name.startswith("_fc.")}
        self._left -= {name for name in self._left if name.endswith(".num_batches_tracked")}

    def folded(self, name: str, norm: str, shape: _Convolution = _Convolution()) -> list[nn.Module]:
        """A convolution with its batch norm folded in: padding where it needs any, then itself, then ReLU6.

        :param name: of its tensors in the state dict; ``norm`` likewise, of the batch norm.
        """
        weight = self._take(f"{name}.weight")
        if weight.shape[2:] != (shape.kernel, shape.kernel):
            raise ValueError(f"{name} has another kernel")
        scale = self._take(f"{norm}.weight") / (self._take(f"{norm}.running_var") + _BN_EPSILON).sqrt()
        shift = self._take(f"{norm}.bias") - self._take(f"{norm}.running_mean") * scale
        outputs, inputs = weight.shape[0], weight.shape[1]
        groups = outputs if shape.depthwise else 1
        before, after = _same_padding(shape)
        even = before == after
        folded = nn.Conv2d(
            inputs * groups, outputs, shape.kernel, shape.stride, padding=before if even else 0, groups=groups
        )
        with torch.no_grad():
            folded.weight.copy_(weight * scale[:, None, None, None])
            assert folded.bias is not None
            folded.bias.copy_(shift)
            folded.weight.data = folded.weight.contiguous(memory_format=torch.channels_last)
        layers: list[nn.Module] = [] if even else [nn.ZeroPad2d((before, after, before, after))]
        layers.append(folded)
        if shape.active:
            layers.append(nn.ReLU6(inplace=True))
        return layers

    def expect_used_up(self) -> None:
        if self._left:
            raise ValueError("the state dict holds tensors that EfficientNet-Lite2 has no place for")

    def _take(self, name: str) -> torch.Tensor:
        self._left.remove(name)
        return self._state[name].double()


def _same_padding(shape: _Convolution) -> tuple[int, int]:
    """TensorFlow's "SAME" padding: pixels before and after the map, in each direction."""
    if shape.stride == 1:
        return shape.kernel // 2, shape.kernel // 2
    total = max((_halved(shape.size) - 1) * shape.stride + shape.kernel - shape.size, 0)
    return total // 2, total - total // 2


def _halved(size: int) -> int:
    return (size + 1) // 2
