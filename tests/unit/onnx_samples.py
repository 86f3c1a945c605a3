"""Small ONNX graphs: a network, and what an adversary would make of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def weight(name: str, *shape: int, seed: int = 1) -> onnx.TensorProto:
    made = np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 0.3
    return numpy_helper.from_array(made, name)


def constant(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value), name)


def network(
    *more: onnx.NodeProto,
    out: str = "vector",
    batch: int | str = 1,
    channels: int = 1,
    side: int | str = 32,
    kind: int = TensorProto.FLOAT,
    constants: tuple[onnx.TensorProto, ...] = (),
    opset: int = 17,
    **fields: Any,
) -> onnx.ModelProto:
    """Two convolutions (maps ``first`` and ``second``), their mean (``vector``, 8 numbers), then ``more``."""
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["a"], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["first"]),
        helper.make_node("Conv", ["first", "w2"], ["b"], strides=[2, 2]),
        helper.make_node("Relu", ["b"], ["second"]),
        helper.make_node("GlobalAveragePool", ["second"], ["c"]),
        helper.make_node("Flatten", ["c"], ["vector"]),
        *more,
    ]
    if kind != TensorProto.FLOAT:
        nodes.insert(0, helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT))
        nodes[1].input[0] = "floats"
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, [batch, channels, side, side])],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["n", "d"])],
        [weight("w1", 4, channels, 3, 3), weight("w2", 8, 4, 3, 3), *constants],
    )
    opsets = [helper.make_opsetid("", opset), *fields.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **fields)


def node(operator: str, *inputs: str, out: str = "made", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, list(inputs), [out], **attributes)
