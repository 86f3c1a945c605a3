"""A sum that every hospital can check, by commands: verify, accept, aggregate, plan --no-commitments."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from played_study import HOSPITALS, At, World, identity_in
from test_bad_input import tree

from privxray.exchange.intake import read_again
from privxray.exchange.messages.model import ModelHeader, write_model
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.header import Stamp
from privxray.formats.tensors import unpack

MODEL, PROOF = "received/global-0001.model", "received/global-0001.proof"


def test_each_hospital_checks_the_sum_before_and_after_it_accepts(at: At) -> None:
    world = at("aggregated")
    seen = set()
    for party in HOSPITALS:
        before = world.ok(party, "verify", PROOF, asks=True)
        assert before == {
            "study": "pneumonia",
            "round": 1,
            "words": before["words"],
            "proof": before["proof"],
            "hospitals": sorted(HOSPITALS),
            "own_update": True,
            "within_bounds": True,
            "model": False,
        }
        seen.add((before["proof"], before["words"]))
    assert len(seen) == 1
    told = world.type("hospital-a", "accept", MODEL, "--json", asks=True)
    assert told.json["proven"]
    assert "each of them once and within the bounds of the plan" in " ".join(told.err.split())
    after = world.ok("hospital-a", "verify", PROOF, asks=True)
    assert after == before | {"model": True}
    said = world.type("hospital-a", "verify", PROOF, asks=True)
    assert "each of them once: hospital-a, hospital-b, hospital-c." in said.err + said.out
    assert "Each of them has proved that its numbers are within the bounds" in said.err + said.out
    assert "The model that was accepted here is made of this sum." in said.err + said.out
    assert world.refused("hospital-b", "verify", MODEL, asks=True) == "proof.model-not-accepted"
    assert world.ok("hospital-a", "verify", MODEL, asks=True) == after
    (world["hospital-a"] / PROOF).unlink()
    assert world.refused("hospital-a", "verify", MODEL, asks=True) == "accept.proof-missing"


def test_a_model_without_its_proof_is_not_taken_in(at: At) -> None:
    world = at("aggregated")
    (world["hospital-a"] / PROOF).unlink()
    before = tree(world["hospital-a"])
    assert world.refused("hospital-a", "accept", MODEL, asks=True) == "accept.proof-missing"
    assert tree(world["hospital-a"]) == before
    shutil.copy(world["hospital-b"] / PROOF, world["hospital-a"] / PROOF)
    assert world.ok("hospital-a", "accept", MODEL, asks=True)["proven"]


def forged(world: World, change: Any, **fields: Any) -> None:
    """The coordinator signs another model under the same plan and carries it to hospital-a."""
    plan = SignedPlan.claimed(read_again(world["coordinator"] / "plan-0001.plan").envelope)
    received = read_again(world["hospital-a"] / MODEL)
    header = received.envelope.claim(ModelHeader)
    tensors = unpack(received.body())
    change(tensors)
    stamp = Stamp(header.created, header.software)
    proof = fields.get("proof", header.proof)
    data = write_model(tensors, plan, identity_in(world["coordinator"]), stamp, proof=proof)
    (world["hospital-a"] / MODEL).write_bytes(data)


def bent(tensors: dict[str, Any]) -> None:
    tensors["weights"] = tensors["weights"].copy()
    tensors["weights"][0, 0] += 1e-3


def test_a_model_that_is_not_the_sum_is_refused(at: At) -> None:
    world = at("aggregated")
    forged(world, bent)
    before = tree(world["hospital-a"])
    assert world.refused("hospital-a", "accept", MODEL, asks=True) == "proof.model-not-the-sum"
    assert tree(world["hospital-a"]) == before
    forged(world, lambda tensors: None, proof="0" * 64)
    assert world.refused("hospital-a", "accept", MODEL, asks=True) == "proof.other-model"


def test_a_wrong_update_is_named_and_the_round_stays_open(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hospital whose software exports another vector than it committed to."""
    from privxray.workflow.hospital import export_update

    world, right = at("trained"), export_update.conceal_committed

    def wrong(scalars: list[int], *more: Any, **named: Any) -> Any:
        done = right(scalars, *more, **named)
        scalars[0] += 1
        return done

    for party in HOSPITALS:
        monkeypatch.setattr(export_update, "conceal_committed", wrong if party == "hospital-b" else right)
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    before = tree(world["coordinator"])
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    error = result.json["error"]
    assert (result.code, error["reason"]) == (15, "update.not-as-committed")
    assert "hospital-b" in error["what"]
    assert not any(other in error["what"] for other in ("hospital-a", "hospital-c"))
    assert tree(world["coordinator"]) == before


def test_an_update_out_of_bounds_is_named_and_only_its_hospital_pays(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hospital whose software proves the bounds of another vector than its own."""
    from privxray.workflow.hospital import export_update

    world, right = at("trained"), export_update.proof_of_bounds

    def wrong(scalars: list[int], *more: Any) -> Any:
        return right([0] * len(scalars), *more)

    for party in HOSPITALS:
        monkeypatch.setattr(export_update, "proof_of_bounds", wrong if party == "hospital-b" else right)
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    monkeypatch.undo()
    before = tree(world["coordinator"])
    result = world.type("coordinator", "aggregate", "updates/*.enc", "--json", asks=True)
    error = result.json["error"]
    assert (result.code, error["reason"]) == (15, "update.out-of-bounds")
    assert "hospital-b" in error["what"]
    assert not any(other in error["what"] for other in ("hospital-a", "hospital-c"))
    assert tree(world["coordinator"]) == before
    planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
    for party in HOSPITALS:
        said = world.type(party, "accept", world.carry(planned["plan"], party))
        assert said.code == 0, said.err
        told = " ".join((said.err + said.out).split())
        assert ("is to train anew" in told) == (party == "hospital-b")


def test_a_plan_without_commitments_gives_a_model_without_a_proof(at: At) -> None:
    world = at("initialised")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--no-commitments", asks=True)
    assert "commitments" not in planned["terms"]
    # Typed again without the option the plan is the same; with the other one it is refused.
    again = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    assert again["plan"] == planned["plan"]
    assert (
        world.refused("coordinator", "plan", "cards/*.card", "--commitments", asks=True) == "plan.other-terms"
    )
    for party in HOSPITALS:
        plan = world.carry(planned["plan"], party)
        world.ok(party, "join", plan, "--key-words", planned["key_words"])
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")
        world.ok(party, "train", "--epsilon", "6")
        update = world.ok(party, "export-update", asks=True)["update"]
        world.carry(update, "coordinator", "updates")
    summed = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert summed["proof"] is None
    assert not list(world["coordinator"].rglob("*.proof"))
    told = world.ok("hospital-a", "accept", world.carry(summed["model"], "hospital-a"))  # no passphrase
    assert not told["proven"]


def test_dp_sgd_has_commitments_where_they_are_asked_for(at: At) -> None:
    world = at("initialised")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--method", "dp-sgd", asks=True)
    assert "commitments" not in planned["terms"]
    words = ("plan", "cards/*.card", "--method", "dp-sgd", "--commitments", "--replace")
    for party in HOSPITALS:  # a plan that is given up has used their mask keys
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    again = world.ok("coordinator", *words, asks=True)
    assert again["terms"]["commitments"] == "pedersen-edwards25519-sha256"


def test_a_card_of_an_older_version_is_named_where_commitments_are_asked_for(at: At) -> None:
    world = at("initialised")
    old = world.ok("hospital-b", "card", "--format", "1", asks=True)
    world.carry(old["card"], "coordinator", "cards")
    words = ("plan", "cards/*.card", "--commitments", "--json")
    result = world.type("coordinator", *words, asks=True)
    assert result.json["error"]["reason"] == "plan.version-lacks"
    assert "hospital-b lacks" in result.json["error"]["what"]


def test_a_proof_of_a_study_that_was_not_joined_says_so(at: At, tmp_path: Path) -> None:
    world = at("aggregated")
    world["stranger"].mkdir()
    world.ok("stranger", "init", "--role", "hospital", "--name", "stranger", asks=True)
    proof = world.carry(world["hospital-a"] / PROOF, "stranger")
    assert world.refused("stranger", "verify", proof, asks=True) == "proof.unknown-plan"
    plan, card = "received/plan-0001.plan", "hospital-a.card"
    assert world.refused("hospital-a", "verify", card, asks=True) == "file.other-kind"
    assert world.refused("stranger", "verify", world.carry(world["hospital-a"] / plan, "stranger")) == (
        "verify.not-taken-in"
    )
    told = world.ok("hospital-a", "verify", plan)
    assert (told["kind"], told["round"], len(told["words"].split())) == ("plan", 1, 12)
    assert world.refused("hospital-a", "accept", PROOF, asks=True) == "accept.other-kind"


def test_aggregate_delivers_the_proof_once_more(at: At) -> None:
    world = at("aggregated")
    proof = world["coordinator"] / "models" / "global-0001.proof"
    kept = proof.read_bytes()
    proof.unlink()
    again = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert Path(again["proof"]).read_bytes() == kept
    closing = world.type("coordinator", "status").err + world.type("coordinator", "status").out
    assert "global-0001.proof" in closing
