"""A model as one ONNX file, and as a MONAI bundle: the numbers of ``predict``, and nothing of anybody."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crash import killed_at
from played_study import PATIENT, At, Snapshots, World, copy_world, typed

pytest.importorskip("onnx", reason="the extra privxray[extractor] is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import onnx
import onnxruntime
from onnx_samples import network

from privxray.cli.app import run
from privxray.cli.options.extractor_options import reading
from privxray.imaging.decode import decode_path
from privxray.imaging.display.grey import shrink
from privxray.imaging.extractors import built_in_graph, onnx_session, torch_engine
from privxray.imaging.extractors.classifier_graph import Classifier, write_classifier
from privxray.imaging.extractors.file_extractor import FileExtractor, describe
from privxray.imaging.features import POOLED, Extractor
from privxray.learning.interface import softmax
from privxray.learning.linear_probe.probe_queries import centred_features
from privxray.workflow.inference import export_model

IMAGES = ("source/images/img-0-000-0.png", "source/images/img-0-001-0.png", "source/images/img-0-002-1.png")


@pytest.fixture(scope="module")
def accepted(snapshots: Snapshots, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(copy_world(snapshots("unaccepted"), tmp_path_factory.mktemp("export") / "world"))
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    return world


def probabilities(file: Path, folder: Path, side: int) -> np.ndarray:
    """What the ONNX file says of the images, by onnxruntime alone."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    pictures = [shrink(decode_path(folder / image, "an image"), side)[None, None] for image in IMAGES]
    return np.concatenate([session.run(None, {"image": picture})[0] for picture in pictures])


def predicted(world: World, party: str) -> np.ndarray:
    told = world.ok(party, "predict", *IMAGES)
    return np.array([[row["probabilities"][name] for name in told["classes"]] for row in told["images"]])


def test_the_file_gives_what_predict_gives(accepted: World, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    words = ("model", "export", "received/global-0001.model", "--onnx", file)
    told = accepted.ok("hospital-a", *words)
    assert told["written"]
    assert told["difference"] < 1e-5
    found, expected = probabilities(file, accepted["hospital-a"], 260), predicted(accepted, "hospital-a")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert expected.std(axis=0).max() > 1e-3  # they are not all the same
    operators = {node.op_type for node in onnx.load_model(file).graph.node}
    assert "AveragePool" not in operators  # of the grid of maps, which dp-sgd alone reads
    assert not accepted.ok("hospital-a", *words)["written"]
    by_digits = accepted.ok(
        "coordinator", "model", "export", told["model"][:12], "--onnx", tmp_path / "b.onnx"
    )
    assert (tmp_path / "b.onnx").read_bytes() == file.read_bytes()
    assert by_digits["model"] == told["model"]


def test_the_card_says_what_it_is(accepted: World, tmp_path: Path) -> None:
    accepted.ok("hospital-a", "model", "export", "received/global-0001.model", "--onnx", tmp_path / "m.onnx")
    card = (tmp_path / "m.md").read_text()
    for said in ("normal, bacteria, virus", "epsilon 6 at delta 1e-05", "1 x 1 x 260 x 260", "no diagnoses"):
        assert said in card
    for name in (PATIENT, "hospital-b", str(accepted.root)):
        assert name not in card


def test_a_monai_bundle_is_run_by_its_own_configuration(accepted: World, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    accepted.ok("hospital-a", "model", "export", "received/global-0001.model", "--monai-bundle", folder)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "configs/inference.json",
        "configs/metadata.json",
        "docs/README.md",
        "models/model.onnx",
    ]
    said = json.loads((folder / "configs" / "metadata.json").read_text())
    for field in ("version", "changelog", "monai_version", "pytorch_version", "numpy_version", "task"):
        assert said[field], field
    inputs, outputs = (said["network_data_format"][name] for name in ("inputs", "outputs"))
    assert inputs["image"]["spatial_shape"] == [260, 260]
    assert outputs["pred"]["channel_def"] == {"0": "normal", "1": "bacteria", "2": "virus"}
    image = accepted["hospital-a"] / IMAGES[0]
    config = json.loads((folder / "configs" / "inference.json").read_text())
    pred = evaluated(config, bundle_root=str(folder), image_path=str(image))["pred"]
    np.testing.assert_allclose(pred, predicted(accepted, "hospital-a")[0], atol=0.03)  # one resizing, not two


def evaluated(config: dict[str, Any], **given: Any) -> dict[str, Any]:
    """The values of a configuration, as MONAI's parser would compute them: ``$`` evaluates, ``@`` refers."""
    scope: dict[str, Any] = {}
    for line in config["imports"]:
        exec(line.removeprefix("$"), scope)
    for name, value in config.items():
        if name in given:
            scope[name] = given[name]
        elif isinstance(value, str) and value.startswith("$"):
            scope[name] = eval(value[1:].replace("@", ""), scope)
        else:
            scope[name] = value
    return scope


def test_the_first_recipes_models_are_exported_too(tmp_path: Path) -> None:
    data = built_in_graph.graph_of(torch_engine.pooled_network(), 1280)
    picture = np.random.default_rng(0).integers(0, 256, (1, 260, 260)).astype(np.uint8)
    row = onnx_session.open_session(data).run(None, {"image": picture})[0]
    expected = Extractor(POOLED)(picture)
    np.testing.assert_allclose(row, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("layers", "pixels", "model"),
    [
        ("first,vector", "-1:1", network(batch="n")),
        ("second", None, network(channels=3, opset=12)),
        ("vector", None, network(kind=onnx.TensorProto.UINT8)),
    ],
    ids=["map and vector", "three channels", "integers"],
)
def test_a_model_on_a_files_features(tmp_path: Path, layers: str, pixels: str | None, model: Any) -> None:
    """With a head that is made up here: the rest is the study's of test_extractors.py."""
    data = model.SerializeToString()
    (tmp_path / "f.onnx").write_bytes(data)
    terms = describe(data, reading(layers, pixels)).terms
    rng = np.random.default_rng(3)
    numbers = {
        "weights": rng.normal(size=(3, terms.dim)) * 4,
        "offsets": rng.normal(size=3),
        "centre": rng.normal(size=terms.dim) / 9,
        "radius": np.array([0.2]),
    }
    made = write_classifier(Classifier(data, terms, 32, numbers, {"classes": "a,b,c"}))
    pictures = rng.integers(0, 256, (4, 32, 32)).astype(np.uint8)
    with FileExtractor(tmp_path / "f.onnx", terms) as extractor:
        z = centred_features(extractor(pictures), numbers["centre"], 0.2)
    expected = softmax(z @ numbers["weights"].T + numbers["offsets"])
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(None, {"image": one[None, None]})[0] for one in pictures])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert session.get_modelmeta().custom_metadata_map == {"classes": "a,b,c"}


def test_what_differs_from_predict_is_not_written(
    accepted: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export_model._numbers
    monkeypatch.setattr(export_model, "_numbers", lambda model: {**real(model), "offsets": np.arange(3.0)})
    words = ("model", "export", "received/global-0001.model", "--onnx", tmp_path / "m.onnx")
    assert accepted.refused("hospital-a", *words) == "model.export-differs"
    assert not list(tmp_path.iterdir())


def test_refusals(accepted: World, at: At, tmp_path: Path) -> None:
    model, file = "received/global-0001.model", tmp_path / "m.onnx"
    export = ("model", "export")
    assert accepted.refused("hospital-a", *export, model) == "model.export-of-nothing"
    assert accepted.refused("hospital-b", *export, model, "--onnx", file) == "model.unknown"
    assert accepted.refused("hospital-a", *export, "00000000", "--onnx", file) == "model.unknown"
    file.write_bytes(b"another file")
    assert accepted.refused("hospital-a", *export, model, "--onnx", file) == "file.other-content"
    assert accepted.ok("hospital-a", *export, model, "--onnx", file, "--force")["written"]
    absent = accepted.refused("hospital-a", "model", "export", "recieved/global-0001.model", "--onnx", file)
    assert absent == "model.no-such-file"
    assert accepted.refused("hospital-a", "model", "export", "0123abc", "--onnx", file) == (
        "model.not-a-fingerprint"
    )


def test_kill_9_while_a_model_is_exported(accepted: World, tmp_path: Path) -> None:
    steps = 0
    while True:
        steps += 4
        folder = tmp_path / str(steps)
        folder.mkdir()
        line = ["-C", str(accepted["hospital-a"]), "model", "export", "received/global-0001.model"]
        line += ["--onnx", str(folder / "m.onnx")]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        if not killed:
            break
        if (folder / "m.onnx").exists():
            assert typed(line).code == 0
    assert (folder / "m.md").exists()
