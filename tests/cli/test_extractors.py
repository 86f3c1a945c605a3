"""A hospital group's own extractor, as its parties type it."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from crash import killed_at
from played_study import HOSPITALS, PATIENT, At, Snapshots, World, copy_world, typed

pytest.importorskip("onnx", reason="the extra privxray[extractor] is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from onnx_samples import network, node

from privxray.cli.app import run
from privxray.exchange.intake import read_again
from privxray.exchange.messages.model import ModelHeader


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "ours.onnx"
    path.write_bytes(network(batch="n").SerializeToString())
    return path


def test_a_file_is_added_listed_and_described(at: At, graph: Path) -> None:
    world = at("joined")
    digest = hashlib.sha256(graph.read_bytes()).hexdigest()
    assert world.ok("hospital-a", "extractor", "list") == {"extractors": []}
    told = world.ok("hospital-a", "extractor", "describe", graph)
    assert (told["sha256"], told["input"], told["channels"], told["dim"]) == (digest, [32, 32], 1, 8)
    assert told["shapes"] == {"vector": [1, 8]}
    assert told["operators"] == {"Conv": 2, "Flatten": 1, "GlobalAveragePool": 1, "Relu": 2}
    assert told["milliseconds"] > 0
    first = world.ok("hospital-a", "extractor", "add", graph)
    assert not first["already"]
    assert Path(first["path"]).read_bytes() == graph.read_bytes()
    assert Path(first["path"]).stat().st_mode & 0o077 == 0
    assert world.ok("hospital-a", "extractor", "add", graph)["already"]
    listed = world.ok("hospital-a", "extractor", "list")["extractors"]
    assert listed == [{"sha256": digest, "bytes": graph.stat().st_size}]
    layers = world.ok(
        "hospital-a", "extractor", "describe", graph, "--layers", "first,vector", "--pixels=-1:1"
    )
    assert [(output["name"], output["pool"]) for output in layers["outputs"]] == [
        ("first", "mean"),
        ("vector", "none"),
    ]
    assert (layers["dim"], layers["offset"]) == (12, -1.0)
    table = world.type("hospital-a", "extractor", "describe", graph)
    assert "1 x 32 x 32" in table.out
    assert "Relu 2" in table.out


def test_files_that_are_refused_leave_nothing(at: At, graph: Path, tmp_path: Path) -> None:
    world = at("joined")
    random = tmp_path / "random.onnx"
    random.write_bytes(network(node("RandomNormalLike", "vector"), out="made").SerializeToString())
    for reason, *words in (
        ("extractor.draws", "add", random),
        ("extractor.no-onnx", "add", world["hospital-a"] / "state.db"),
        ("file.absent", "add", tmp_path / "nothing.onnx"),
        ("extractor.pixels-typed", "describe", graph, "--pixels", "1"),
        ("extractor.no-such-layer", "add", graph, "--layers", "x"),
    ):
        assert world.refused("hospital-a", "extractor", *words) == reason
    assert not (world["hospital-a"] / "extractors").exists()


def test_the_name_of_a_file_is_no_patients(at: At, graph: Path, tmp_path: Path) -> None:
    world = at("joined")
    for content in (graph.read_bytes(), b"no graph"):
        named = tmp_path / f"{PATIENT}.onnx"
        named.write_bytes(content)
        result = world.type("hospital-a", "extractor", "add", named)
        assert PATIENT not in result.out + result.err


def test_kill_9_while_a_file_is_added(at: At, graph: Path, tmp_path: Path) -> None:
    source, steps = at("joined").root, 0
    while True:
        steps += 1
        folder = tmp_path / str(steps)
        shutil.copytree(source / "hospital-a", folder / "hospital-a")
        line = ["-C", str(folder / "hospital-a"), "extractor", "add", str(graph)]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        if not killed:
            break
        assert typed(line).code == 0
        kept = list((folder / "hospital-a" / "extractors").iterdir())
        assert [path.read_bytes() for path in kept] == [graph.read_bytes()]
        World(folder).ok("hospital-a", "doctor")
    assert steps > 3


# In a study


@pytest.fixture(scope="module")
def studied(snapshots: Snapshots, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A whole study on a file's features, up to the model that hospital-a has accepted."""
    folder = tmp_path_factory.mktemp("extractor")
    world = World(copy_world(snapshots("initialised"), folder / "world"))
    (folder / "ours.onnx").write_bytes(network(batch="n").SerializeToString())
    terms = ("--extractor", folder / "ours.onnx", "--layers", "first,second", "--pixels=-1:1")
    planned = world.ok("coordinator", "plan", "cards/*.card", *terms, asks=True)
    (world.root / "key-words").write_text(planned["key_words"])
    assert "first (means), second (means)" in planned["terms"]["extractor"]
    assert planned["terms"]["feature_dim"] == 12
    for party in HOSPITALS:
        plan = world.carry(planned["plan"], party)
        joining = ("join", plan, "--key-words", planned["key_words"])
        assert world.refused(party, *joining) == "extractor.absent"
        world.ok(party, "extractor", "add", folder / "ours.onnx")
        world.ok(party, *joining)
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")
        world.ok(party, "train", "--epsilon", "6")
        update = world.ok(party, "export-update", asks=True)["update"]
        world.carry(update, "coordinator", "updates")
    model = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    world.ok("hospital-a", "accept", world.carry(model, "hospital-a"), asks=True)
    return world


IMAGES = ("source/images/img-0-000-0.png", "source/images/img-0-001-0.png")


def test_a_study_on_a_files_features_goes_from_plan_to_prediction(studied: World) -> None:
    told = studied.ok("hospital-a", "evaluate")
    assert told["patients"] == 3
    predicted = studied.ok("hospital-a", "predict", *IMAGES)["images"]
    assert sum(predicted[0]["probabilities"].values()) == pytest.approx(1)
    header = read_again(studied["coordinator"] / "models" / "global-0001.model").envelope.claim(ModelHeader)
    assert "extractor-files" in header.features
    assert header.extractor_file is not None
    assert header.extractor == header.extractor_file.name
    inspected = studied.ok("hospital-a", "inspect", "received/plan-0001.plan")["header"]
    assert inspected["extractor_file"]["outputs"][0] == {"name": "first", "pool": "mean"}


def test_the_same_terms_again_deliver_the_same_plan(studied: World, tmp_path: Path) -> None:
    world = World(copy_world(studied.root, tmp_path / "world"))
    (world.root / "ours.onnx").write_bytes(network(batch="n").SerializeToString())
    terms = ("--extractor", world.root / "ours.onnx", "--layers", "first,second", "--pixels=-1:1")
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "fresh")
    plan = ("plan", "fresh/*.card", "--replace", *terms)
    first = world.ok("coordinator", *plan, asks=True)["plan"]
    before = Path(first).read_bytes()
    Path(first).unlink()
    assert (
        Path(world.ok("coordinator", "plan", "fresh/*.card", *terms, asks=True)["plan"]).read_bytes()
        == before
    )
    others = ("plan", "fresh/*.card", *terms[:2])
    assert world.refused("coordinator", *others, asks=True) == "plan.other-terms"


def test_without_its_file_a_model_predicts_nothing(studied: World, tmp_path: Path) -> None:
    world = World(tmp_path)
    shutil.copytree(studied["hospital-a"], world["hospital-a"])
    (kept,) = (world["hospital-a"] / "extractors").iterdir()
    data = bytearray(kept.read_bytes())
    kept.unlink()
    assert world.refused("hospital-a", "predict", *IMAGES) == "extractor.absent"
    data[-1] ^= 1
    kept.write_bytes(data)
    assert world.refused("hospital-a", "predict", *IMAGES) == "extractor.altered"


def test_an_audit_needs_the_file_and_charges_nothing_without_it(studied: World, tmp_path: Path) -> None:
    world = World(tmp_path)
    shutil.copytree(studied["hospital-b"], world["hospital-b"])
    shutil.rmtree(world["hospital-b"] / "extractors")
    before = world.ok("hospital-b", "budget")
    words = ("audit", "one-run", "--own", "--epsilon", "0.5")
    assert world.refused("hospital-b", *words) == "extractor.absent"
    assert world.ok("hospital-b", "budget") == before


def test_options_that_do_not_go_together(at: At, graph: Path) -> None:
    world = at("initialised")
    plan = ("plan", "cards/*.card")
    refused = world.refused("coordinator", *plan, "--layers", "x", asks=True)
    assert refused == "plan.layers-without-extractor"
    words = ("--method", "dp-sgd", "--extractor", graph)
    assert world.refused("coordinator", *plan, *words, asks=True) == "plan.extractor-without-use"
    assert not list(world["coordinator"].glob("*.plan"))


def test_a_clinic_asks_with_the_same_file(studied: World, tmp_path: Path) -> None:
    world = World(copy_world(studied.root, tmp_path / "world"))
    world["clinic"].mkdir()
    world.ok("clinic", "init", "--role", "hospital", "--name", "clinic", asks=True)
    shutil.copytree(world["hospital-a"] / "source", world["clinic"] / "source")
    offered = world.ok("coordinator", "infer", "offer", "--limit", "5", asks=True)
    offer = world.carry(offered["offer"], "clinic")
    ask = ("infer", "ask", *IMAGES, "--offer", offer, "--key-words", offered["key_words"])
    assert world.refused("clinic", *ask, asks=True) == "extractor.absent"
    world.ok("clinic", "extractor", "add", next((world["coordinator"] / "extractors").iterdir()))
    query = world.ok("clinic", *ask, asks=True)
    words = ("--key-words", query["key_words"])
    carried = world.carry(query["query"], "coordinator")
    answer = world.ok("coordinator", "infer", "answer", carried, *words, asks=True)["answer"]
    read = world.ok("clinic", "infer", "read", world.carry(answer, "clinic"), asks=True)["images"]
    for said, predicted in zip(read, world.ok("hospital-a", "predict", *IMAGES)["images"], strict=True):
        for name, probability in predicted["probabilities"].items():
            assert said["probabilities"][name] == pytest.approx(probability, abs=2e-3)


def test_its_model_leaves_as_onnx_with_the_file_in_its_card(studied: World, tmp_path: Path) -> None:
    words = ("model", "export", "models/global-0001.model", "--onnx", tmp_path / "model.onnx")
    assert studied.ok("coordinator", *words)["difference"] < 1e-5
    (kept,) = (studied["coordinator"] / "extractors").iterdir()
    card = (tmp_path / "model.md").read_text()
    assert kept.stem in card
    assert "1 x 1 x 32 x 32" in card
    assert "first to 260 x 260" in card
