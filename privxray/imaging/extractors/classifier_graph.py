"""A whole classifier as one ONNX graph: from an image to probabilities. Made in a child process.

The graph of the extractor may be somebody else's, so it is parsed where it is run, in a process with limits.
What is written around it are operators whose meaning has not changed since opset 12, so that any extractor's
opset will do: sums are products with ones, and no operator has axes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from privxray.errors import SystemTroubleError
from privxray.formats.extractor_file import ExtractorFile
from privxray.formats.tensors import pack, unpack
from privxray.imaging.extractors import graph_rules
from privxray.imaging.extractors.graph_child import LENGTH, Runner, first_image, limits
from privxray.imaging.extractors.graph_process import START_SECONDS
from privxray.imaging.extractors.graph_rules import RefusedGraphError
from privxray.system import child
from privxray.system.limits import limit_this_process

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "image", "probabilities"
_MODULE: Final = "privxray.imaging.extractors.classifier_graph"
_TINY: Final = 1e-30
_PREFIX: Final = "extractor/"


@dataclass(frozen=True)
class Classifier:
    """softmax(W z + b), with z = clip((u - c) / r, 1) and u a feature of length 1.

    :ivar extractor: the file of the graph, an ONNX model.
    :ivar terms: how the graph is read; None for a built-in one, which takes uint8 [1, side, side] and gives
        one row.
    :ivar side: of the image, in pixels.
    :ivar numbers: ``weights`` [K, D], ``offsets`` [K], ``centre`` [D] and ``radius`` [1], of float64.
    :ivar said: what the file says of itself: pairs of names and texts.
    """

    extractor: bytes
    terms: ExtractorFile | None
    side: int
    numbers: Mapping[str, NDArray[Any]]
    said: Mapping[str, str]


def write_classifier(classifier: Classifier) -> bytes:
    """The classifier as an ONNX model: uint8 ``image`` [1, 1, side, side], float32 ``probabilities`` [1, K].

    :raises SystemTroubleError: the child process did not make it.
    """
    numbers = pack({name: np.asarray(value, np.float64) for name, value in classifier.numbers.items()})
    order = {
        "numbers": len(numbers),
        "length": len(classifier.extractor),
        "terms": classifier.terms.model_dump(mode="json") if classifier.terms else None,
        "side": classifier.side,
        "said": dict(classifier.said),
    }
    said = json.dumps(order).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _MODULE],
            input=LENGTH.pack(len(said)) + said + numbers + classifier.extractor,
            capture_output=True,
            timeout=START_SECONDS,
            check=False,
            env=child.environment(),
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode or not done.stdout:
        raise SystemTroubleError(
            "the process that writes the ONNX file ended without one",
            reason="model.export-failed",
            advice="Close other programs and type the command again",
        )
    return done.stdout


class _Graph:
    """Nodes and weights as they are added, beside those of the extractor."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, and give the name of its result."""
        from onnx import helper

        name = f"c{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, numbers: Any, kind: Any = np.float32) -> str:
        """Add constants, and give their name."""
        from onnx import numpy_helper

        name = f"k{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(numbers, kind), name))
        return name

    def shaped(self, value: str, *shape: int) -> str:
        """The same numbers in another shape."""
        return self.add("Reshape", value, self.weight(shape, np.int64))

    def length(self, row: str, size: int) -> str:
        """The norm of a row [1, size], as [1, 1]."""
        squares = self.add("MatMul", self.add("Mul", row, row), self.weight(np.ones((size, 1))))
        return self.add("Sqrt", squares)

    def unit(self, row: str, size: int) -> str:
        """A row over its norm; zeros stay zero."""
        return self.add("Div", row, self.add("Max", self.length(row, size), self.weight(_TINY)))


def _model(order: Mapping[str, Any], data: bytes, numbers: Mapping[str, NDArray[Any]]) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    terms = None if order["terms"] is None else ExtractorFile.model_validate_json(json.dumps(order["terms"]))
    graph, side = _Graph(), int(order["side"])
    if terms is None:
        base = onnx.load_model_from_string(data)
        _keep_first_output(base.graph)
        _rename(base.graph, base.graph.input[0].name, graph.shaped(INPUT, 1, side, side))
        row = _PREFIX + base.graph.output[0].name
    else:
        base, row = _read_file(graph, terms, data)
    probabilities, before = _head(graph, row, numbers), _before(graph, base)
    graph.nodes.append(helper.make_node("Identity", [probabilities], [OUTPUT], name=OUTPUT))
    nodes = [*graph.nodes[:before], *base.graph.node, *graph.nodes[before:]]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "classifier",
            [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [1, 1, side, side])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, len(numbers["offsets"])])],
            [*base.graph.initializer, *graph.weights],
        ),
        opset_imports=[helper.make_opsetid("", _opset(base))],
        ir_version=base.ir_version,
        producer_name="privxray",
    )
    helper.set_model_props(model, dict(order["said"]))
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString(deterministic=True)
    return made


def _read_file(graph: _Graph, terms: ExtractorFile, data: bytes) -> tuple[onnx.ModelProto, str]:
    """A foreign graph behind the pixels, and the row of its outputs as a plan reads them."""
    import onnx
    from onnx import TensorProto

    names = [output.name for output in terms.outputs]
    cut = graph_rules.cut(data, names)
    made = Runner(cut, terms.scale, terms.offset).maps(first_image(*terms.input))
    if cut.floats:
        fed = graph.add("Cast", INPUT, to=TensorProto.FLOAT)
        fed = graph.add("Add", graph.add("Mul", fed, graph.weight(terms.scale)), graph.weight(terms.offset))
    else:
        fed = graph.add("Identity", INPUT)
    if terms.channels == 3:
        fed = graph.add("Concat", fed, fed, fed, axis=1)
    base = onnx.load_model_from_string(cut.data)
    _rename(base.graph, cut.input, fed)
    parts, total = [], 0
    for name, part in zip(names, made, strict=True):
        value = graph.add("Cast", _PREFIX + name, to=TensorProto.FLOAT)
        value, size = _pooled(graph, value, part.shape)
        parts.append(graph.unit(value, size))
        total += size
    return base, graph.unit(graph.add("Concat", *parts, axis=1), total)


def _pooled(graph: _Graph, value: str, shape: Sequence[int]) -> tuple[str, int]:
    """One output as a row [1, size], and its size."""
    if len(shape) == 4:
        places = shape[2] * shape[3]
        flat = graph.shaped(value, shape[1], places)
        means = graph.add("MatMul", flat, graph.weight(np.full((places, 1), 1 / places)))
        return graph.shaped(means, 1, shape[1]), shape[1]
    if len(shape) == 3:
        flat = graph.shaped(value, shape[1], shape[2])
        return graph.add("MatMul", graph.weight(np.full((1, shape[1]), 1 / shape[1])), flat), shape[2]
    size = int(np.prod(shape))
    return graph.shaped(value, 1, size), size


def _head(graph: _Graph, row: str, numbers: Mapping[str, NDArray[Any]]) -> str:
    size = numbers["weights"].shape[1]
    centred = graph.add("Sub", graph.unit(row, size), graph.weight(numbers["centre"][None]))
    scaled = graph.add("Div", centred, graph.weight(float(numbers["radius"][0])))
    clipped = graph.add("Div", scaled, graph.add("Max", graph.length(scaled, size), graph.weight(1.0)))
    scores = graph.add("MatMul", clipped, graph.weight(numbers["weights"].T))
    return graph.add("Softmax", graph.add("Add", scores, graph.weight(numbers["offsets"][None])), axis=1)


def _before(graph: _Graph, base: onnx.ModelProto) -> int:
    """How many of our nodes come before the extractor's: those up to the one that feeds it."""
    read = {name for node in base.graph.node for name in node.input}
    return 1 + max(place for place, node in enumerate(graph.nodes) if node.output[0] in read)


def _keep_first_output(graph: onnx.GraphProto) -> None:
    """Leave out the nodes that lead to other outputs only: the built-in graph also gives maps for dp-sgd."""
    wanted, kept = {graph.output[0].name}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def _rename(graph: onnx.GraphProto, source: str, fed: str) -> None:
    """Give every name in an extractor's graph a prefix, but its input the name of what feeds it."""

    def renamed(name: str) -> str:
        return fed if name == source else _PREFIX + name if name else ""

    for node in graph.node:
        node.name = _PREFIX + node.name if node.name else ""
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = _PREFIX + tensor.name


def _opset(model: onnx.ModelProto) -> int:
    return int(next(used.version for used in model.opset_import if used.domain in ("", "ai.onnx")))


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    order = json.loads(source.read(LENGTH.unpack(source.read(LENGTH.size))[0]))
    numbers = unpack(source.read(order["numbers"]))
    target.write(_model(order, source.read(order["length"]), numbers))


def _main() -> None:
    limit_this_process(limits())
    try:
        _work(sys.stdin.buffer, sys.stdout.buffer)
    except (MemoryError, RefusedGraphError, ValueError, RuntimeError):
        sys.exit(1)


if __name__ == "__main__":
    _main()
