"""What a graph may be that somebody else made, and the cut of it that is run. Used in the child process.

The graph is the coordinator's choice, and the coordinator is an adversary. What a row must be is a function
of one image, the same in every call. Three things see to it:

* one image a call, at a fixed shape, so no other image is there to mix in;
* no operator that draws at random. ONNX has six, and dropout and batch norm in training mode;
* nothing that lasts from one call to the next. ONNX's own operators keep nothing, so operators of any other
  domain are refused, which could be anything, and functions that a file defines for itself.

Operators with a graph inside (``If``, ``Loop``, ``Scan``, ``SequenceMap``) keep no state, either. They are
refused so that the whole graph is what it looks like: every operator is run once a call, and the file's size
bounds its time. Networks for images don't need them; an exporter writes them where a model's Python looks at
its data.

Operators on text and on files of images are refused because a feature extractor has no use for them, and each
is a parser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import onnx

MAX_NODES: Final = 20_000
LEAST_OPSET: Final = 12
"""The first in which dropout says by an input whether it is in training."""

DRAWING: Final = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
PARSING: Final = frozenset(
    {"ImageDecoder", "RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"}
)
_OWN = ("", "ai.onnx")
_SHOWN = 40


class RefusedGraphError(Exception):
    """A graph that is not run.

    :param reason: the last part of the error's reason, listed in ``graph_refusals``.
    :param detail: the name of an operator, of a tensor or of a domain, as far as it may be shown.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = shown(detail)


@dataclass(frozen=True)
class Cut:
    """A graph that may be run, as far as its chosen outputs need it.

    :ivar data: the whole model, serialised.
    :ivar shape: of the input: batch (1), channels, height, width.
    :ivar floats: whether the input is float32; otherwise it is uint8.
    :ivar outputs: names of what is read.
    :ivar operators: how often each operator occurs.
    """

    data: bytes
    input: str
    shape: tuple[int, int, int, int]
    floats: bool
    outputs: tuple[str, ...]
    operators: dict[str, int]


def shown(text: str) -> str:
    """A name out of the file as far as it may be printed: ASCII without blanks, at most 40 characters."""
    return "".join(letter if "!" <= letter <= "~" else "?" for letter in text)[:_SHOWN]


def cut(data: bytes, wanted: Sequence[str]) -> Cut:
    """Check a graph, and cut it to what is read.

    :param wanted: names of tensors anywhere in it; by default its outputs.
    :raises RefusedGraphError: it is no ONNX model, or one that is not run.
    """
    model = _parsed(data)
    _check_domains(model)
    _check_weights(model)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise RefusedGraphError("inputs", str(len(inputs)))
    shape, floats = _input_form(inputs[0])
    outputs = tuple(wanted) or tuple(value.name for value in graph.output)
    nodes = _needed(graph, outputs)
    _check_nodes(nodes, graph)
    if not any(inputs[0].name in node.input for node in nodes):
        raise RefusedGraphError("image-unused")
    _keep(graph, nodes, outputs)
    return Cut(
        data=model.SerializeToString(),
        input=inputs[0].name,
        shape=shape,
        floats=floats,
        outputs=outputs,
        operators=_counted(nodes),
    )


def _parsed(data: bytes) -> onnx.ModelProto:
    import onnx

    try:
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model)
    except Exception:  # noqa: BLE001 - protobuf's and the checker's errors quote the file
        raise RefusedGraphError("no-onnx") from None
    return model


def _check_domains(model: onnx.ModelProto) -> None:
    from onnx import defs

    if model.functions:
        raise RefusedGraphError("functions", model.functions[0].name)
    if model.training_info:
        raise RefusedGraphError("training", "training_info")
    used = [used for used in model.opset_import if used.domain in _OWN]
    if len(used) != 1 or not LEAST_OPSET <= used[0].version <= defs.onnx_opset_version():
        raise RefusedGraphError("opset", str(used[0].version if used else 0))


def _check_weights(model: onnx.ModelProto) -> None:
    """All weights are in the file itself: it has one digest, and the runtime opens no other file."""
    from onnx import TensorProto

    if model.graph.sparse_initializer:
        raise RefusedGraphError("sparse", model.graph.sparse_initializer[0].values.name)
    for tensor in _tensors(model):
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise RefusedGraphError("external-data", tensor.name)


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _input_form(value: onnx.ValueInfoProto) -> tuple[tuple[int, int, int, int], bool]:
    """The shape of the input, with a batch of one, and whether it is float32."""
    from onnx import TensorProto

    kind = value.type.tensor_type
    if kind.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8):
        raise RefusedGraphError("input-type", TensorProto.DataType.Name(kind.elem_type))
    sides = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in kind.shape.dim]
    if len(sides) != 4 or sides[0] not in (0, 1) or sides[1] not in (1, 3) or not (sides[2] and sides[3]):
        raise RefusedGraphError("input-shape", "x".join(str(side or "?") for side in sides))
    kind.shape.dim[0].Clear()
    kind.shape.dim[0].dim_value = 1
    return (1, sides[1], sides[2], sides[3]), kind.elem_type == TensorProto.FLOAT


def _needed(graph: onnx.GraphProto, outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in their order in the file."""
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    for name in outputs:
        if name not in makers:
            raise RefusedGraphError("no-such-layer", name)
    if len(set(outputs)) < len(outputs):
        raise RefusedGraphError("layer-twice")
    waiting, needed = list(outputs), set[int]()
    while waiting:
        place = makers.get(waiting.pop())
        if place is not None and place not in needed:
            needed.add(place)
            waiting += [name for name in graph.node[place].input if name]
    if len(needed) > MAX_NODES:
        raise RefusedGraphError("too-many-nodes", str(len(needed)))
    return [graph.node[place] for place in sorted(needed)]


def _check_nodes(nodes: Sequence[onnx.NodeProto], graph: onnx.GraphProto) -> None:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in nodes:
        if node.op_type == "Constant":
            constants.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    for node in nodes:
        if node.domain not in _OWN:
            raise RefusedGraphError("other-domain", f"{node.domain}.{node.op_type}")
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise RefusedGraphError("inner-graph", node.op_type)
        if node.op_type in DRAWING:
            raise RefusedGraphError("draws", node.op_type)
        if node.op_type in PARSING:
            raise RefusedGraphError("parses", node.op_type)
        if _trains(node, constants):
            raise RefusedGraphError("training", node.op_type)


def _trains(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    """Whether a node is in training mode, or could be: then it draws, or changes with each image."""
    if node.op_type == "BatchNormalization":
        return any(attribute.name == "training_mode" and attribute.i for attribute in node.attribute)
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        from onnx import numpy_helper

        said = constants.get(node.input[2])
        return said is None or bool(numpy_helper.to_array(said).any())
    return False


def _keep(graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> None:
    """Leave only these nodes, the weights that they read, and these outputs."""
    import onnx

    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    read = {name for node in kept for name in node.input}
    for place in reversed(range(len(graph.initializer))):
        if graph.initializer[place].name not in read:
            del graph.initializer[place]
    known = {value.name: value for value in (*graph.output, *graph.value_info)}
    values = [known.get(name) or onnx.ValueInfoProto(name=name) for name in outputs]
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in values]
    del graph.output[:], graph.value_info[:]
    graph.output.extend(copies)


def _counted(nodes: Sequence[onnx.NodeProto]) -> dict[str, int]:
    names = sorted({node.op_type for node in nodes})
    return {shown(name): sum(1 for node in nodes if node.op_type == name) for name in names}
