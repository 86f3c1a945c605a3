"""A hospital group's own extractor, as its parties type it."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from crash import killed_at
from played_study import PATIENT, At, World, typed

pytest.importorskip("onnx", reason="the extra privxray[extractor] is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from onnx_samples import network, node

from privxray.cli.app import run


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
