"""Extractors out of files: what is refused, and that a row is a function of one image, whatever the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from imaging_samples import picture
from onnx import TensorProto, defs, helper
from onnx_samples import constant, network, node, weight
from pydantic import ValidationError

from privxray.errors import PrivxrayError
from privxray.explanations.catalogue import reasons
from privxray.formats.extractor_file import ExtractorFile, ExtractorOutput
from privxray.imaging.extractors import file_extractor, graph_process, graph_refusals, graph_rules
from privxray.imaging.extractors.file_extractor import FileExtractor, Reading, combined, describe
from privxray.imaging.extractors.graph_child import Runner, first_image, pooled
from privxray.imaging.extractors.graph_rules import RefusedGraphError, cut
from privxray.workflow.common.method_inputs import InputForm, inputs_of


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(PrivxrayError) as caught:
        yield
    assert caught.value.reason == reason


TERMS = ExtractorFile(
    sha256="0" * 64,
    input=(32, 32),
    channels=1,
    scale=1 / 255,
    offset=0.0,
    outputs=(ExtractorOutput(name="vector", pool="none"),),
    dim=8,
)


def written(path: Path, model: onnx.ModelProto, reading: Reading = Reading()) -> ExtractorFile:
    """Save a graph, and how a plan names it."""
    path.write_bytes(model.SerializeToString())
    return describe(path.read_bytes(), reading).terms


def images(count: int) -> np.ndarray:
    return np.stack([picture(seed, 260) for seed in range(count)])


# What is refused


def dropout(training: onnx.TensorProto) -> onnx.ModelProto:
    return network(node("Dropout", "vector", "", "mode"), out="made", constants=(training,))


def loop() -> onnx.ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["vector"], ["inner"])],
        "body",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
    )
    body.output[0].type.tensor_type.shape.SetInParent()
    choice = helper.make_node("If", ["yes"], ["made"], then_branch=body, else_branch=body)
    return network(choice, out="made", constants=(constant("yes", True),))


def external() -> onnx.ModelProto:
    model = network()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
    return model


def two_inputs() -> onnx.ModelProto:
    model = network(node("Add", "vector", "more"), out="made")
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1, 8]))
    return model


def other_domain() -> onnx.ModelProto:
    return network(
        node("Gelu", "vector", domain="com.microsoft"),
        out="made",
        opsets=[helper.make_opsetid("com.microsoft", 1)],
    )


def own_function() -> onnx.ModelProto:
    made = helper.make_function(
        "own",
        "Twice",
        ["x"],
        ["y"],
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [helper.make_opsetid("", 17)],
    )
    opsets = [helper.make_opsetid("own", 1)]
    return network(node("Twice", "vector", domain="own"), out="made", opsets=opsets, functions=[made])


REFUSED: dict[str, Callable[[], onnx.ModelProto]] = {
    "draws": lambda: network(node("RandomNormalLike", "vector"), out="made"),
    "training": lambda: dropout(constant("mode", True)),
    "inner-graph": loop,
    "other-domain": other_domain,
    "functions": own_function,
    "external-data": external,
    "inputs": two_inputs,
    "input-type": lambda: network(kind=TensorProto.DOUBLE),
    "input-shape": lambda: network(side="any"),
    "opset": lambda: network(opset=11),
    "no-such-layer": lambda: network(out="nothing"),
    "image-unused": lambda: network(node("Neg", "fixed"), out="made", constants=(weight("fixed", 1, 8),)),
    "parses": lambda: network(node("ImageDecoder", "vector"), out="made", opset=20),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_graphs_that_are_not_run(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx.checker, "check_model", lambda _: None)  # ours must hold by themselves
    with pytest.raises(RefusedGraphError) as caught:
        cut(REFUSED[reason]().SerializeToString(), ())
    assert caught.value.reason == reason
    assert f"extractor.{reason}" in reasons()


def test_dropout_at_rest_and_in_a_part_that_is_not_read_is_no_matter() -> None:
    assert cut(dropout(constant("mode", False)).SerializeToString(), ()).operators["Dropout"] == 1
    random = network(node("RandomNormalLike", "vector"), out="made")
    assert "RandomNormalLike" not in cut(random.SerializeToString(), ("vector",)).operators


def test_dropout_whose_mode_is_computed_may_be_in_training() -> None:
    model = network(
        node("ReduceSum", "vector", out="sum"),
        node("Cast", "sum", out="mode", to=TensorProto.BOOL),
        node("Dropout", "vector", "", "mode"),
        out="made",
    )
    with pytest.raises(RefusedGraphError, match="training"):
        cut(model.SerializeToString(), ())


def test_what_is_no_onnx_at_all() -> None:
    for data in (b"", b"\x00" * 40, network().SerializeToString()[:-30]):
        with pytest.raises(RefusedGraphError):
            cut(data, ())


def test_layers_are_named_once_and_cut_off_what_follows() -> None:
    data = network().SerializeToString()
    with pytest.raises(RefusedGraphError, match="layer-twice"):
        cut(data, ("first", "first"))
    assert cut(data, ("first",)).operators == {"Conv": 1, "Relu": 1}
    assert len(cut(data, ("first",)).data) < len(cut(data, ()).data)


def test_every_operator_that_onnx_knows_is_judged() -> None:
    """An operator that draws, or that has a graph inside, in whatever version of onnx is installed."""
    schemas = [schema for schema in defs.get_all_schemas() if schema.domain == ""]
    graphs = (defs.OpSchema.AttrType.GRAPH, defs.OpSchema.AttrType.GRAPHS)
    inner = {s.name for s in schemas if any(a.type in graphs for a in s.attributes.values())}
    drawing = {
        s.name for s in schemas if s.node_determinism == defs.OpSchema.NodeDeterminism.NonDeterministic
    }
    # AffineGrid is marked so because its function may hold If; dropout is judged by its mode.
    assert drawing - inner - {"AffineGrid", "Dropout"} == graph_rules.DRAWING
    assert inner == {"If", "Loop", "Scan", "SequenceMap"}


def test_refusals_of_the_child_become_errors_with_listed_reasons() -> None:
    assert set(graph_refusals.REFUSALS) <= set(reasons())
    with refused("extractor.draws"):
        describe(REFUSED["draws"]().SerializeToString())
    nan = network(node("Neg", "vector", out="less"), node("Sqrt", "less"), out="made")
    with refused("extractor.impossible-numbers"):
        describe(nan.SerializeToString())


def test_a_name_out_of_the_file_is_shown_only_as_far_as_it_is_plain() -> None:
    assert graph_rules.shown("a b\x1b[31m\n" + "x" * 80) == "a?b?[31m?" + "x" * 31


# What a row is


def test_a_file_is_described_and_read_as_the_plan_says(tmp_path: Path) -> None:
    terms = written(tmp_path / "a.onnx", network(batch="n"), Reading(("first", "vector"), (-1.0, 1.0)))
    assert (terms.input, terms.channels, terms.dim) == ((32, 32), 1, 12)
    assert [(output.name, output.pool) for output in terms.outputs] == [("first", "mean"), ("vector", "none")]
    with FileExtractor(tmp_path / "a.onnx", terms) as extractor:
        rows = extractor(images(3))
        assert extractor.failed == 0
    graph = cut((tmp_path / "a.onnx").read_bytes(), ("first", "vector"))
    runner = Runner(graph, terms.scale, terms.offset)
    from privxray.imaging.display.grey import shrink

    for row, image in zip(rows, images(3), strict=True):
        maps = runner.maps(shrink(image, 32))
        first, vector = maps[0].mean(axis=(2, 3))[0], maps[1][0]
        expected = np.concatenate([first / np.linalg.norm(first), vector / np.linalg.norm(vector)]) / 2**0.5
        np.testing.assert_allclose(row, expected, rtol=1e-5)


def test_a_graph_that_mixes_a_batch_sees_one_image_at_a_time(tmp_path: Path) -> None:
    """It adds the batch's sum to each image: alone, an image has nobody to be mixed with."""
    mixing = network(
        node("ReduceSum", "vector", "zero", out="all", keepdims=1),
        node("Add", "vector", "all"),
        out="made",
        batch="n",
        constants=(constant("zero", [0]),),
    )
    terms = written(tmp_path / "mix.onnx", mixing)
    many = images(5)
    with FileExtractor(tmp_path / "mix.onnx", terms) as extractor:
        together = extractor(many)
        np.testing.assert_array_equal(extractor(many[::-1].copy())[::-1], together)
        np.testing.assert_array_equal(extractor(many[3:4])[0], together[3])
        without = extractor(np.delete(many, 2, axis=0))
    np.testing.assert_array_equal(without, np.delete(together, 2, axis=0))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-6)


def refuses_bright_images() -> onnx.ModelProto:
    return network(
        node("ReduceMean", "image", out="level", keepdims=0),
        node("Sub", "bound", "level", out="room"),
        node("Sqrt", "room", out="root"),
        node("Mul", "vector", "root"),
        out="made",
        constants=(constant("bound", np.float32(0.8)),),
    )


def test_whoever_asks_about_an_image_is_told_that_the_graph_fails_on_it(tmp_path: Path) -> None:
    terms = written(tmp_path / "picky.onnx", refuses_bright_images())
    (tmp_path / "picky.onnx").rename(tmp_path / f"{terms.sha256}.onnx")
    form, many = InputForm(terms.dim, terms, tmp_path), images(2)
    assert inputs_of(many, ["a", "b"], form).any(axis=1).all()
    many[1] = 255
    with pytest.raises(PrivxrayError) as caught:
        inputs_of(many, ["a", "b"], form)
    assert (caught.value.reason, caught.value.file) == ("extractor.no-features", "b")


def test_an_image_on_which_the_graph_fails_has_a_row_of_zeros(tmp_path: Path) -> None:
    """NaN for bright images: whether a patient is there must not stop the training."""
    picky = refuses_bright_images()
    terms = written(tmp_path / "picky.onnx", picky)
    many = images(3)
    many[1] = 255
    with FileExtractor(tmp_path / "picky.onnx", terms) as extractor:
        rows = extractor(many)
        assert extractor.failed == 1
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], rtol=1e-6)


def test_a_process_that_dies_is_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = written(tmp_path / "a.onnx", network())
    with FileExtractor(tmp_path / "a.onnx", terms) as extractor:
        whole = extractor(images(3))
        ask, calls = graph_process.GraphProcess.row, []

        def killed(self: graph_process.GraphProcess, pixels: np.ndarray) -> np.ndarray | None:
            calls.append(1)
            if len(calls) == 2:
                self._child.kill()
            return ask(self, pixels)

        monkeypatch.setattr(graph_process.GraphProcess, "row", killed)
        rows = extractor(images(3))
        assert extractor.failed == 1
    np.testing.assert_array_equal(rows[[0, 2]], whole[[0, 2]])
    assert not rows[1].any()


def test_outputs_that_change_their_size_with_the_image_give_no_row(tmp_path: Path) -> None:
    changing = network(
        node("Greater", "image", "half", out="bright"),
        node("NonZero", "bright", out="where"),
        node("Cast", "where", out="made", to=TensorProto.FLOAT),
        out="made",
        constants=(constant("half", np.float32(0.5)),),
    )
    changing.graph.node.append(node("Transpose", "made", out="turned", perm=[1, 0]))
    changing.graph.node.append(node("ReduceSum", "turned", "zero", out="sum", keepdims=1))
    changing.graph.initializer.append(constant("zero", [1]))
    changing.graph.node.append(node("Transpose", "sum", out="flat", perm=[1, 0]))
    changing.graph.output[0].name = "flat"
    terms = written(tmp_path / "c.onnx", changing)
    with FileExtractor(tmp_path / "c.onnx", terms) as extractor:
        assert not extractor(images(2)).any()
        assert extractor.failed == 2


def test_a_graph_that_wants_more_memory_than_there_is(tmp_path: Path) -> None:
    huge = network(
        node("Expand", "vector", "shape", out="wide"),
        node("ReduceMean", "wide", out="made", axes=[0], keepdims=1),
        out="made",
        constants=(constant("shape", np.array([1 << 34, 8], np.int64)),),
    )
    with pytest.raises(Exception, match=r"graph|process") as caught:
        describe(huge.SerializeToString())
    assert caught.value.reason in ("extractor.not-run", "extractor.not-loaded", "extractor.died")


def test_integers_go_in_as_they_are(tmp_path: Path) -> None:
    model = network(kind=TensorProto.UINT8)
    terms = written(tmp_path / "u.onnx", model)
    assert (terms.scale, terms.offset) == (1.0, 0.0)
    with refused("extractor.scaled-integers"):
        describe(model.SerializeToString(), Reading((), (0.0, 2.0)))


def test_other_terms_than_the_file_has_are_refused(tmp_path: Path) -> None:
    terms = written(tmp_path / "a.onnx", network())
    for change in ({"channels": 3}, {"input": (64, 64)}, {"dim": 9}):
        with refused("extractor.other-form"):
            FileExtractor(tmp_path / "a.onnx", terms.model_copy(update=change))
    with refused("extractor.altered"):
        FileExtractor(tmp_path / "a.onnx", terms.model_copy(update={"sha256": "1" * 64}))


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_extractor, "MAX_FILE", 10)
    (tmp_path / "a.onnx").write_bytes(b"x" * 11)
    with refused("extractor.too-large"):
        file_extractor.read_file(tmp_path / "a.onnx")


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_extractor.importlib.util, "find_spec", lambda name: None)
    with refused("extractor.not-installed"):
        describe(b"")


# Parts


def test_pooling() -> None:
    made = np.arange(24, dtype=np.float32)
    assert pooled("x", made.reshape(1, 2, 3, 4))[0] == "mean"
    np.testing.assert_allclose(pooled("x", made.reshape(1, 2, 3, 4))[1], [5.5, 17.5])
    np.testing.assert_allclose(pooled("x", made.reshape(1, 3, 8))[1], np.arange(8) + 8)
    pool, row = pooled("x", made.reshape(1, 24).astype(np.float16))
    assert (pool, row.dtype) == ("none", np.float32)
    for wrong in (made.reshape(2, 12), made.astype(np.int64), made[:0], made.reshape(1, 2, 3, 2, 2)):
        with pytest.raises(RefusedGraphError, match="output-form"):
            pooled("x", wrong)


def test_parts_of_zeros_stay_zero() -> None:
    row = combined(np.array([3, 4, 0, 0], np.float32), [2, 2])
    np.testing.assert_allclose(row, [0.6, 0.8, 0, 0], rtol=1e-6)


def test_the_picture_that_graphs_are_tried_on_is_no_flat_one() -> None:
    assert first_image(32, 48).shape == (32, 48)
    assert first_image(64, 64).std() > 20


def test_terms_that_no_plan_can_have() -> None:
    good = TERMS.model_dump()
    assert ExtractorFile.model_validate(good) == TERMS
    for wrong in (
        {"input": (32, 64)},
        {"input": (8, 8)},
        {"channels": 2},
        {"scale": float("nan")},
        {"outputs": ()},
        {"dim": 0},
        {"sha256": "x"},
        {"outputs": ({"name": "a b", "pool": "none"},)},
    ):
        with pytest.raises(ValidationError):
            ExtractorFile.model_validate({**good, **wrong})


def test_what_features_are_kept_under_names_all_that_they_depend_on() -> None:
    keys = {TERMS.key}
    for change in (
        {"sha256": "1" * 64},
        {"scale": 0.5},
        {"offset": 0.5},
        {"outputs": (ExtractorOutput(name="second", pool="mean"),)},
    ):
        keys.add(TERMS.model_copy(update=change).key)
    assert len(keys) == 5
