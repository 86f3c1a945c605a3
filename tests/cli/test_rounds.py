"""A study of two rounds by dp-sgd: one ledger, one epsilon, one file down a round."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from played_study import HOSPITALS, At, World

TERMS = """
method: dp-sgd
rounds: 2
epsilon: 4
classes: [normal, bacteria, virus]
constants: {steps: 3, sampling_rate: 0.5, expected_batch_size: 5}
"""


def planned(world: World) -> None:
    (world["coordinator"] / "terms.yaml").write_text(TERMS)
    told = world.ok("coordinator", "plan", "cards/*.card", "--from", "terms.yaml", asks=True)
    assert (told["stage"], told["stages"]) == (1, 2)
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(told["plan"], party), "--key-words", told["key_words"])
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")


def trained_and_exported(world: World) -> None:
    for party in HOSPITALS:
        world.ok(party, "train")
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")


@pytest.mark.slow
def test_two_rounds_of_dp_sgd(at: At) -> None:
    world = at("initialised")
    planned(world)
    trained_and_exported(world)
    first = world.ok("hospital-a", "budget")["spent"]["epsilon"]
    summed = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    model, plan = Path(summed["model"]), Path(summed["plan"])

    # cut off after its commit, before its files left: the same command delivers the same bytes
    before = model.read_bytes(), plan.read_bytes()
    model.unlink()
    plan.unlink()
    again = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert again["already"]
    assert (model.read_bytes(), plan.read_bytes()) == before
    plan.unlink()
    world.ok("coordinator", "plan", "cards/*.card", asks=True)
    assert plan.read_bytes() == before[1]

    for party in HOSPITALS:
        accepted = world.ok(party, "accept", world.carry(plan, party))  # no key words: the same members
        assert accepted["kind"] == "plan"
        assert accepted["evaluation"]["metrics"]["balanced_accuracy"] is not None
        assert world.type(party, "join", "received/plan-0001.plan").code == 4
    trained_and_exported(world)
    spent = world.ok("hospital-a", "budget")
    assert [run["state"] for run in spent["runs"]] == ["released", "released"]
    assert 0 < first < spent["spent"]["epsilon"] <= 4
    assert spent["spent"]["epsilon"] > 3.9

    last = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert last["plan"] is None
    assert len(last["notes"]) == 3  # the first round's updates still lie there
    for party in HOSPITALS:
        world.ok(party, "accept", world.carry(last["model"], party), asks=True)
        world.ok(party, "predict", *sorted((world[party] / "source" / "images").glob("*-000-*.png")))


@pytest.mark.slow
def test_a_smaller_epsilon_holds_to_the_end_and_is_not_loosened(at: At) -> None:
    world = at("initialised")
    planned(world)
    for party in HOSPITALS:
        world.ok(party, "train", "--epsilon", "2")
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    plan = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["plan"]
    world.ok("hospital-a", "accept", world.carry(plan, "hospital-a"))
    assert 1.95 < world.ok("hospital-a", "train")["epsilon"] <= 2


def test_a_study_that_fails_after_an_export_is_not_paid_again_unasked(at: At) -> None:
    world = at("exported")
    for party in HOSPITALS:
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    told = world.ok("coordinator", "plan", "cards/*.card", "--replace", "--epsilon", "9", asks=True)
    shown = world.type("hospital-a", "join", world.carry(told["plan"], "hospital-a"))
    assert "epsilon" in shown.out  # the plan is shown, though no key words are asked
    assert world.refused("hospital-a", "train") == "budget.paid-before"
    assert len(world.ok("hospital-a", "budget")["runs"]) == 1
    world.ok("hospital-a", "train", "--epsilon", "1")


def test_replacing_a_plan_twice_is_once(at: At) -> None:
    world = at("joined")
    for party in HOSPITALS:
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    first = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    again = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    assert first["round"] == again["round"] == 2
    (world["coordinator"] / "cards" / "hospital-a.card").unlink()
    assert world.refused("coordinator", "plan", "cards/*.card", asks=True) == "plan.other-cards"


def test_a_signed_plan_is_not_taken_for_one_with_other_terms(at: At) -> None:
    world = at("initialised")
    typed = ("--epsilon", "3", "--classes", "normal,bacteria,virus")
    first = world.ok("coordinator", "plan", "cards/*.card", *typed, asks=True)
    plan = Path(first["plan"])
    signed = plan.read_bytes()
    for other in (("--epsilon", "2"), (*typed, "--rounds", "2"), (*typed, "--delta", "1e-6")):
        assert world.refused("coordinator", "plan", "cards/*.card", *other, asks=True) == "plan.other-terms"
    for same in (typed, ()):
        plan.unlink()
        again = world.ok("coordinator", "plan", "cards/*.card", *same, asks=True)
        assert list(again["terms"].items()) == list(first["terms"].items())
        assert plan.read_bytes() == signed


def test_a_reservation_that_drew_nothing_is_given_back(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from privxray.workflow.hospital.local_training import train

    world = at("untrained")
    with monkeypatch.context() as patch:
        patch.setattr(train, "training_data", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert world.type("hospital-a", "train", "--epsilon", "6").code == 130
    assert world.ok("hospital-a", "budget")["runs"][0]["state"] == "reserved"
    for party in HOSPITALS:
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    told = world.ok("coordinator", "plan", "cards/*.card", "--replace", "--epsilon", "3", asks=True)
    world.ok("hospital-a", "join", world.carry(told["plan"], "hospital-a"))
    assert world.ok("hospital-a", "train")["epsilon"] <= 3
    assert len(world.ok("hospital-a", "budget")["runs"]) == 1


def test_a_plan_that_cannot_be_trained_is_refused_before_anything_is_charged(at: At) -> None:
    world = at("initialised")
    (world["coordinator"] / "terms.yaml").write_text("constants: {feature_dim: 1000}")
    words = ("plan", "cards/*.card", "--from", "terms.yaml")
    assert world.refused("coordinator", *words, asks=True) == "plan.feature-dim"


def test_an_older_ledger_put_back_is_refused(at: At) -> None:
    world = at("untrained")
    old = world.root / "old-ledger.db"
    shutil.copy(world["hospital-a"] / "ledger.db", old)
    world.ok("hospital-a", "train")
    shutil.copy(old, world["hospital-a"] / "ledger.db")
    assert world.refused("hospital-a", "export-update", asks=True) == "ledger.lacks-training"


def test_a_hospital_that_was_away_comes_back_under_a_new_roster(at: At) -> None:
    world = at("joined")
    world["d"].mkdir()
    world.ok("d", "init", "--role", "hospital", "--name", "hospital-d", asks=True)
    world.carry(world["d"] / "hospital-d.card", "coordinator", "cards")

    def fresh_plan() -> dict:
        for party in HOSPITALS:
            world.ok(party, "card", asks=True)
            if (world["coordinator"] / "cards" / f"{party}.card").exists():
                world.carry(world[party] / f"{party}.card", "coordinator", "cards")
        return world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)

    (world["coordinator"] / "cards" / "hospital-a.card").unlink()
    without = fresh_plan()
    members = ["hospital-b", "hospital-c", "hospital-d"]
    assert without["roster"] == {"version": 2, "members": members, "trustees": []}
    refused = world.type("hospital-a", "join", world.carry(without["plan"], "hospital-a"))
    assert refused.code == 4
    world.carry(world["hospital-a"] / "hospital-a.card", "coordinator", "cards")
    world.ok("d", "card", asks=True)
    world.carry(world["d"] / "hospital-d.card", "coordinator", "cards")
    back = fresh_plan()
    plan = world.carry(back["plan"], "hospital-a")
    joined = world.ok("hospital-a", "join", plan, "--key-words", back["key_words"])
    assert "hospital-d joined" in joined["changes"]
