"""A hospital that was written from docs/SPEC.md and docs/SPEC-2.md alone takes part in a played round."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from played_study import Snapshots, World, copy_world

sys.path.append(str(Path(__file__).parents[1] / "unit"))

import spec_hospital
import spec_reader as spec

PEERS = ("hospital-a", "hospital-b")


@pytest.fixture
def world(snapshots: Snapshots, tmp_path: Path) -> World:
    """Three hospitals of privxray that have trained and not exported."""
    return World(copy_world(snapshots("trained"), tmp_path / "world"))


def noisy_vector(plan: spec.File) -> dict[str, np.ndarray]:
    """What section 13 of docs/SPEC.md makes of a head, a centre and noisy counts: all times n."""
    rng, shapes = np.random.default_rng(5), {e["name"]: tuple(e["shape"]) for e in plan.header["manifest"]}
    counts = np.array([4.25, 3.5, 4.75])
    n, cap = counts.sum(), plan.header["constants"]["weight_cap"]
    assert n <= cap
    centre = rng.normal(size=shapes["centre"])
    return {
        "weights": n * np.clip(rng.normal(size=shapes["weights"]), -8, 8),
        "centre": n * centre / np.linalg.norm(centre),
        "counts": counts,
    }


def test_a_hospital_written_from_the_specification_takes_part(world: World) -> None:
    """It takes the place of one of them, and the training of the other two serves the new plan."""
    hospital = spec_hospital.Hospital("second", bracket=1000)
    cards = world["coordinator"] / "fresh"
    cards.mkdir()
    (cards / "second.card").write_bytes(hospital.card())
    for party in PEERS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "fresh")
    planned = world.ok("coordinator", "plan", "fresh/*.card", "--replace", asks=True)
    plan = hospital.follow(Path(planned["plan"]).read_bytes(), planned["key_words"])
    assert set(plan.header["features"]) == {"bound-proofs", "commitments", "heads", "sizes"}
    for party in PEERS:
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    vector = noisy_vector(plan)
    update = hospital.update(plan, vector, epsilon=5.9)
    (world["coordinator"] / "updates" / "second.enc").write_bytes(update)
    told = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert told["hospitals"] == 3

    # A hospital of privxray checks the sum, with the second hospital's update in it.
    model = world.carry(told["model"], "hospital-a")
    assert world.ok("hospital-a", "accept", model, asks=True)["proven"]
    assert "second" in world.ok("hospital-a", "verify", model.with_suffix(".proof"), asks=True)["hospitals"]

    # The second hospital reads the proof, and finds its own update and the model that the sum gives.
    signer = plan.header["coordinator"]["signing"]
    proof = spec.read(Path(told["model"]).with_suffix(".proof").read_bytes(), signer, version=2)
    content = hospital.opened(proof)
    assert spec.digest_of(update) in proof.header["updates"]
    made = spec.read(Path(told["model"]).read_bytes(), signer, version=2)
    assert made.header["proof"] == proof.digest
    numbers, sums, at = np.frombuffer(content["sum"], "<i8"), {}, 0
    for entry in plan.header["manifest"]:
        size = int(np.prod(entry["shape"]))
        sums[entry["name"]] = numbers[at : at + size].reshape(entry["shape"]) / 2.0 ** entry["fraction_bits"]
        at += size
    n = np.maximum(sums["counts"], 1e-6).sum()
    tensors = {name: np.frombuffer(data, "<f8") for name, data in spec.tensors(made.body).items()}
    assert np.allclose(tensors["weights"], (sums["weights"] / n).ravel(), rtol=1e-9, atol=1e-9)
    assert np.allclose(tensors["centre"], sums["centre"] / n, rtol=1e-9, atol=1e-9)
    assert np.allclose(tensors["shares"], sums["counts"] / n, rtol=1e-9, atol=1e-9)
    assert n > vector["counts"].sum()
