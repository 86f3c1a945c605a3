"""Sizes that hospitals state: what they mean for delta and a weight, and that nobody is refused for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from played_study import HOSPITALS, At, World, draw_images

from privxray.errors import UsageError
from privxray.exchange.intake import read_again
from privxray.keys.card import read_card
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee, Promise
from privxray.privacy.ledger import Ledger
from privxray.workflow.coordinator.planning.plan_terms import Terms
from privxray.workflow.hospital.patients_beyond import beyond_stated
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working


def header(path: Path | str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(read_again(Path(path)).envelope.payload)
    return read


def made(world: World, name: str, *words: str) -> dict[str, Any]:
    world[name].mkdir()
    told: dict[str, Any] = world.ok(name, "init", "--role", "hospital", "--name", name, *words, asks=True)
    return told


def carded(world: World, party: str, patients: int, *words: str) -> None:
    told = world.ok(party, "card", "--patients-up-to", str(patients), *words, asks=True)
    assert told["patients_up_to"] == patients
    world.carry(told["card"], "coordinator", "cards")


def planned(world: World, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = world.ok("coordinator", "plan", "cards/*.card", *words, asks=True)
    return told


def joined(world: World, told: dict[str, Any], party: str = "hospital-a") -> Any:
    plan = world.carry(told["plan"], party)
    return world.type(party, "join", plan, "--key-words", told["key_words"], "--json")


def test_a_hospital_states_a_size_and_its_ledger_has_the_delta_for_it(at: At) -> None:
    world = at("initialised")
    for name, words, size, delta in (
        ("small", ("--patients-up-to", "100"), 100, 1e-5),
        ("usual", (), 1000, 1e-5),
        ("large", ("--patients-up-to", "100000"), 100_000, 1e-7),
    ):
        told = made(world, name, *words)
        assert (told["patients_up_to"], told["budget"]["delta"]) == (size, delta)
        card = read_card(read_again(Path(told["card"])).envelope)
        assert card.size is not None
        assert "sizes" in card.features
        assert card.size.bracket == size
        assert world.ok(name, "card", asks=True)["patients_up_to"] == size  # until another is typed
    assert world.ok("large", "status")["remarks"] == []


def test_sizes_are_of_hospitals_alone(at: At) -> None:
    world = at("initialised")
    world["new"].mkdir()
    for role, words in (("trustee", ("--name", "new")), ("coordinator", ("--study", "chests"))):
        init = ("init", "--role", role, *words, "--patients-up-to", "100")
        assert world.refused("new", *init, asks=True) == "init.size-without-patients"
    world.ok("new", "init", "--role", "trustee", "--name", "new", asks=True)
    assert header(world["new"] / "new.card")["features"] == []
    assert world.refused("new", "card", "--patients-up-to", "100", asks=True) == "card.size-without-patients"


def test_the_largest_size_decides_delta_n_max_and_what_one_hospital_weighs(at: At) -> None:
    world = at("initialised")
    told = planned(world)
    terms = told["terms"]
    assert (terms["delta"], terms["n_max"], terms["weight_cap"]) == (1e-5, 1000, 181.0)
    assert terms["patients"] == [f"{name} up to 1,000" for name in HOSPITALS]
    assert [one for one in told["remarks"] if "masks" not in one] == []  # nothing about sizes
    for party, patients in zip(HOSPITALS, (100, 10_000, 1000), strict=True):
        carded(world, party, patients)
    again = planned(world, "--replace")
    terms = again["terms"]
    assert (terms["delta"], terms["n_max"], terms["weight_cap"]) == (1e-6, 10_000, 1645.0)
    assert terms["patients"][1] == "hospital-b up to 10,000"
    assert joined(world, again).code == 0


def test_a_larger_delta_is_told_to_everybody_and_one_too_large_is_refused(at: At) -> None:
    world = at("initialised")
    assert world.refused("coordinator", "plan", "cards/*.card", "--delta", "1.1e-4", asks=True) == (
        "delta.above-size"
    )
    told = world.type("coordinator", "plan", "cards/*.card", "--delta", "5e-5", asks=True)
    remark = "delta 5e-05 is more than the 1e-05 that is advised for hospitals of up to 1,000 patients"
    assert remark in told.err
    assert "with a chance of up to 5.0%" in told.err
    told = planned(world, "--delta", "5e-5")
    for party in HOSPITALS:
        seen = joined(world, told, party)
        assert seen.code == 0
        assert remark in seen.err
        assert seen.json["remarks"] == told["remarks"]
    assert f"study pneumonia: {remark}" in world.ok("hospital-a", "status")["remarks"][0]
    assert f"study pneumonia: {remark}" in world.ok("hospital-a", "budget")["remarks"][0]
    assert remark in world.type("hospital-a", "budget").err


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ("constants: {n_max: 10000}", "plan.n-max-typed"),
        ("constants: {weight_cap: 1001}", "plan.weight-cap-typed"),
        ("constants: {n_max: 1000, weight_cap: 150}", None),
    ],
)
def test_constants_that_follow_from_the_sizes(at: At, terms: str, reason: str | None) -> None:
    world = at("initialised")
    (world["coordinator"] / "terms.yaml").write_text(terms)
    words = ("plan", "cards/*.card", "--from", "terms.yaml")
    if reason:
        assert world.refused("coordinator", *words, asks=True) == reason
        return
    told = world.ok("coordinator", *words, asks=True)
    assert told["terms"]["n_max"] == 1000
    assert told["terms"]["weight_cap"] == 150
    assert world.ok("coordinator", *words, asks=True)["plan"] == told["plan"]  # the same plan again


def test_a_method_without_weights_has_the_size_too() -> None:
    terms = Terms(method="dp-sgd")
    assert terms.resolved(100)[1].n_max == 100
    assert terms.resolved(None)[1].n_max == 10_000
    assert [terms.delta_for(size) for size in (None, 100, 1000, 10_000, 100_000)] == [
        1e-5, 1e-5, 1e-5, 1e-6, 1e-7
    ]  # fmt: skip


def of_format_1(world: World, patients: int) -> None:
    """A study of format 1, planned for so many patients: hospitals here have nine to train on."""
    world.carry(world.ok("hospital-b", "card", "--format", "1", asks=True)["card"], "coordinator", "cards")
    (world["coordinator"] / "terms.yaml").write_text(f"constants: {{n_max: {patients}}}")
    told = world.ok("coordinator", "plan", "cards/*.card", "--from", "terms.yaml", asks=True)
    assert "patients" not in told["terms"]
    assert joined(world, told).code == 0


def test_more_patients_than_a_plan_expects_are_trained_on_with_a_remark(at: At) -> None:
    world = at("initialised")
    of_format_1(world, 8)
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    trained = world.type("hospital-a", "train")
    assert trained.code == 0
    assert "more patients to train on than the 8 that the plan expects of this hospital" in trained.err
    assert Ledger.open(world["hospital-a"] / "ledger.db").entries()


def test_a_data_set_beyond_the_stated_size_is_remarked_on_and_taken_in(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert beyond_stated(1000, 1000) is None
    assert beyond_stated(1001, None) is None
    monkeypatch.setattr("privxray.workflow.hospital.ingest_images.stated_size", lambda state: 8)
    world = at("joined")
    done = world.type("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    assert done.code == 0
    assert "the data set holds more than the 8 patients that this hospital has stated" in done.err
    assert "card --patients-up-to" in done.err


def test_no_patient_in_the_training_split_is_trained_on_too(at: At) -> None:
    """Whether the last one is there is not for the coordinator to see: noise alone leaves."""
    world = at("joined")
    assert world.refused("hospital-a", "train") == "dataset.no-patient"  # nothing was ever ingested
    labels = world["hospital-a"] / "source" / "labels.csv"
    labels.write_text(labels.read_text().replace(",train", ",val"))
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    trained = world.type("hospital-a", "train", "--epsilon", "6")
    assert trained.code == 0, trained.err
    assert "the training split has no patient, so what leaves is noise alone" in trained.err
    world.ok("hospital-a", "export-update", asks=True)


def test_a_ledger_and_a_study_of_an_earlier_version_go_on_and_say_what_they_promise(at: At) -> None:
    world = at("initialised")
    of_format_1(world, 10_000)
    with working(Workspace.find(world["hospital-a"])) as session, session.state.transaction():
        session.state.set_setting("patients up to", "")  # as in a workspace that never stated one
    for command in ("status", "budget"):
        never, study = world.ok("hospital-a", command)["remarks"]
        assert never.startswith("this hospital has not stated its size yet")
        assert study.startswith("study pneumonia was planned without the hospitals' sizes: its delta 1e-05")
        assert "chance of up to 0.1," in study
    world.ok("hospital-a", "card", "--patients-up-to", "10000", asks=True)
    for command in ("status", "budget"):
        ledger, _ = world.ok("hospital-a", command)["remarks"]
        assert ledger.startswith("the ledger's delta 1e-05 was fixed when the ledger was made, and 1e-06 is")
        assert ledger.split(". ")[0] in " ".join(world.type("hospital-a", command).err.split())
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    world.ok("hospital-a", "train", "--epsilon", "2")


def test_a_study_keeps_its_sizes_and_takes_no_larger_newcomer(at: At) -> None:
    world = at("exported")
    carded(world, "hospital-a", 10_000)
    fresh = world["coordinator"] / "cards" / "hospital-a.card"
    made(world, "hospital-d", "--patients-up-to", "10000")
    draw_images(world["hospital-d"] / "source", 3)
    newcomer = world["hospital-d"] / "hospital-d.card"
    words = ("plan", fresh, newcomer, "--continue", "--without", "hospital-c")
    for party in ("hospital-b",):
        card = world.ok(party, "card", asks=True)["card"]
        words = (*words[:2], card, *words[2:])
    assert world.refused("coordinator", *words, asks=True) == "plan.newcomer-too-large"
    world.ok("hospital-d", "card", "--patients-up-to", "1000", asks=True)
    told = world.ok("coordinator", *words, asks=True)
    assert told["terms"]["patients"] == [f"hospital-{one} up to 1,000" for one in "abd"]
    assert joined(world, told).code == 0
    remarks = world.ok("hospital-a", "status")["remarks"]
    assert any(
        "has this hospital with up to 1,000 patients, and its last card says" in one for one in remarks
    )


def test_the_ledger_refuses_a_promise_of_nothing(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "ledger.db", Guarantee(10, 1e-5))
    noise = [Event(kind="gaussian", noise=2.0)]
    with pytest.raises(UsageError) as told:
        ledger.reserve("pneumonia", "round-1", noise, Promise(1.1e-5, 10_000))
    assert told.value.reason == "delta.above-size"
    assert ledger.entries() == ()
    assert ledger.reserve("pneumonia", "round-1", noise, Promise(1e-5, 10_000)) == "reserved"
