"""The built-in network as an ONNX graph, up to the last map that new plans read.

::

    python -m privxray.imaging.extractors.built_in_graph

writes the file in ``networks/`` again: the same bytes as long as the weights are the same, and a test
compares them. It needs torch and the package ``onnx``, and nobody who uses privxray has to run it. At run
time there is the file alone, so features cost neither torch's start of two seconds nor the half of the
network that nobody reads.

The graph takes one grey image as uint8 ``[1, 260, 260]``. It gives ``features``, float32 ``[1, 296]``, and
``grid``, float32 ``[1, 1920]``: the last map as means over 4 x 4 fields. A radiograph has one
channel, and the network's stem would see it three times: its kernels are added up over the channels instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from privxray.imaging.extractors.efficientnet_lite import (
    GRID_FIELD,
    GRID_STRIDE,
    LEAST_LENGTH,
    Block,
    MapMeans,
    Region,
)
from privxray.imaging.extractors.pinned_files import GRAPH_PATH, SIZE
from privxray.imaging.extractors.torch_engine import maps_network

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT, GRID_OUTPUT = "image", "features", "grid"
OPSET = 18
_IR_VERSION = 8  # what opset 18 came with, so that older runtimes read the file
_SIDE = 17  # of the maps of the blocks 7 to 14
_GRID_NUMBERS = 120 * 4 * 4
_WHOLE_AXIS = np.iinfo(np.int64).max


class _Graph:
    """Nodes and weights as they are added; each node's result has a name, which later nodes take."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, and give the name of its result."""
        from onnx import helper

        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, numbers: NDArray[Any]) -> str:
        """Add constants, and give their name."""
        from onnx import numpy_helper

        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(numbers), name))
        return name

    def axes(self, *numbers: int) -> str:
        """Add a list of whole numbers, and give its name."""
        return self.weight(np.array(numbers, np.int64))

    def number(self, value: float) -> str:
        """Add one float, and give its name."""
        return self.weight(np.array(value, np.float32))


def graph_of(network: nn.Module, dim: int) -> bytes:
    """The network as an ONNX model, serialised.

    :param network: of :mod:`.torch_engine`.
    :param dim: the numbers of a row.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    grey = graph.add("Cast", graph.add("Unsqueeze", INPUT, graph.axes(1)), to=TensorProto.FLOAT)
    maps = graph.add("Div", graph.add("Sub", grey, graph.number(127)), graph.number(128))
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, dim])]
    if isinstance(network, MapMeans):
        (last, *inputs), grid = _map_means(graph, network, maps)
        graph.nodes.append(helper.make_node("Flatten", [grid], [GRID_OUTPUT], name=GRID_OUTPUT))
        outputs.append(helper.make_tensor_value_info(GRID_OUTPUT, TensorProto.FLOAT, [1, _GRID_NUMBERS]))
    else:
        last, *inputs = "Identity", _layers(graph, network, maps)
    graph.nodes.append(helper.make_node(last, inputs, [OUTPUT], name=OUTPUT))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite2-maps",
            [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [1, SIZE, SIZE])],
            outputs,
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        doc_string="EfficientNet-Lite2 (Google, ImageNet), cut and folded; Apache-2.0",
    )
    checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _map_means(graph: _Graph, network: MapMeans, maps: str) -> tuple[tuple[str, str, str], str]:
    """The last operator and its inputs, and the grid of the last map."""
    rows = []
    for stretch, regions in zip(network.stretches, network.regions, strict=True):
        maps = _layers(graph, stretch, maps)
        rows += [_unit(graph, _region_mean(graph, maps, region)) for region in regions]
    fields = {"kernel_shape": [GRID_FIELD] * 2, "strides": [GRID_STRIDE] * 2}
    grid = graph.add("AveragePool", maps, **fields)
    return ("Div", graph.add("Concat", *rows, axis=1), graph.number(len(rows) ** 0.5)), grid


def _layers(graph: _Graph, layers: nn.Module, maps: str) -> str:
    padding = None
    for layer in layers.children():
        if isinstance(layer, Block):
            out = _layers(graph, layer.layers, maps)
            maps = graph.add("Add", out, maps) if layer.residual else out
        elif isinstance(layer, nn.ZeroPad2d):
            left, right, top, bottom = layer.padding
            padding = [top, left, bottom, right]
        elif isinstance(layer, nn.Conv2d):
            maps = _convolution(graph, layer, maps, padding)
            padding = None
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            maps = graph.add("GlobalAveragePool", maps)
        elif isinstance(layer, nn.Flatten):
            maps = graph.add("Flatten", maps)
        elif isinstance(layer, nn.ReLU6):
            maps = graph.add("Clip", maps, graph.number(0), graph.number(6))
        else:
            raise TypeError(f"no operator for {type(layer).__name__}")
    return maps


def _convolution(graph: _Graph, layer: nn.Conv2d, maps: str, padding: list[int] | None) -> str:
    kernels = layer.weight.detach().numpy()
    if layer.in_channels == 3:  # the stem
        kernels = kernels.sum(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    assert layer.bias is not None
    return graph.add(
        "Conv",
        maps,
        graph.weight(kernels),
        graph.weight(layer.bias.detach().numpy()),
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.stride),
        pads=padding or [int(side) for side in layer.padding] * 2,
        group=layer.groups,
    )


def _region_mean(graph: _Graph, maps: str, region: Region) -> str:
    third, both, across = _SIDE // 3, graph.axes(2, 3), graph.axes(3)
    if region == "centre":
        maps = graph.add("Slice", maps, graph.axes(third, third), graph.axes(-third, -third), both)
    elif region == "sides":
        left = graph.add("Slice", maps, graph.axes(0), graph.axes(third), across)
        right = graph.add("Slice", maps, graph.axes(-third), graph.axes(_WHOLE_AXIS), across)
        maps = graph.add("Concat", left, right, axis=3)
    return graph.add("ReduceMean", maps, both, keepdims=0)


def _unit(graph: _Graph, row: str) -> str:
    length = graph.add("ReduceL2", row, graph.axes(1), keepdims=1)
    return graph.add("Div", row, graph.add("Max", length, graph.number(LEAST_LENGTH)))


def _main() -> None:
    network = maps_network()
    GRAPH_PATH.write_bytes(graph_of(network, network.dim))


if __name__ == "__main__":
    _main()
