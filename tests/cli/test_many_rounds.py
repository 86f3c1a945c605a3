"""dp-sgd over many rounds: the ledger's total is what an independent computation says, whoever was away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent, SelfComposedDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.privacy_accountant import NeighboringRelation
from played_study import HOSPITALS, At, World, draw_images

from privxray.exchange.intake import read_again
from privxray.formats.tensors import unpack
from privxray.privacy.ledger import Ledger
from privxray.workflow.hospital.training_results import trained_vector
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

Q, STEPS, DELTA = 0.3, 2, 1e-5
TERMS = f"""
method: dp-sgd
epsilon: 5
classes: [normal, bacteria, virus]
constants: {{image_size: 16, steps: {STEPS}, sampling_rate: {Q}, expected_batch_size: 3}}
"""


def plan(world: World, rounds: int) -> dict[str, Any]:
    (world["coordinator"] / "terms.yaml").write_text(TERMS)
    words = ("plan", "cards/*.card", "--from", "terms.yaml", "--rounds", str(rounds))
    return world.ok("coordinator", *words, asks=True)


def join(world: World, planned: dict[str, Any], *parties: str) -> None:
    for party in parties:
        file = world.carry(planned["plan"], party)
        world.ok(party, "join", file, "--key-words", planned["key_words"])
        if planned["round"] == 1 and (world[party] / "source").exists():
            world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")


def deliver(world: World, *parties: str) -> None:
    for party in parties:
        world.ok(party, "train")
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")


def aggregate(world: World, number: int) -> dict[str, Any]:
    return world.ok("coordinator", "aggregate", f"updates/*-{number:04d}.enc", asks=True)


def ledger(world: World, party: str) -> Ledger:
    return Ledger.open(Workspace.find(world[party]).ledger_path)


def noises(world: World, party: str) -> list[float]:
    """The noise multiplier of each round, as this hospital's ledger holds it."""
    reserved = [entry for entry in ledger(world, party).entries() if entry.kind == "reserve"]
    events = [event for entry in reserved for event in entry.events]
    assert {(event.q, event.count) for event in events} == {(Q, STEPS)}
    return [event.noise for event in events]


def independent(multipliers: Iterable[float]) -> float:
    """The epsilon of these rounds by dp-accounting itself, from the plan's constants."""
    accountant = PLDAccountant(NeighboringRelation.ADD_OR_REMOVE_ONE, value_discretization_interval=1e-3)
    for noise in multipliers:
        accountant.compose(SelfComposedDpEvent(PoissonSampledDpEvent(Q, GaussianDpEvent(noise)), STEPS))
    return float(accountant.get_epsilon(DELTA))


@pytest.mark.slow
def test_ten_rounds_cost_what_an_independent_computation_says(at: At) -> None:
    world = at("initialised")
    planned = plan(world, 10)
    join(world, planned, *HOSPITALS)
    for number in range(1, 11):
        deliver(world, *HOSPITALS)
        summed = aggregate(world, number)
        for party in HOSPITALS if number < 10 else ():
            world.ok(party, "join", world.carry(summed["plan"], party))
    assert summed["plan"] is None
    for party in HOSPITALS:
        spent = world.ok(party, "budget")
        assert [run["state"] for run in spent["runs"]] == ["released"] * 10
        drawn = noises(world, party)
        assert len(drawn) == 10
        assert spent["spent"]["epsilon"] == pytest.approx(independent(drawn), rel=1e-6)
        assert 4.99 < spent["spent"]["epsilon"] <= 5
        assert independent(drawn[:5]) < 0.75 * spent["spent"]["epsilon"]  # each round cost its part


def four_hospitals(world: World) -> tuple[str, ...]:
    """A fourth hospital with twice the patients, its card at the coordinator."""
    fourth = "hospital-d"
    world[fourth].mkdir()
    world.ok(fourth, "init", "--role", "hospital", "--name", fourth, asks=True)
    world.carry(world[fourth] / f"{fourth}.card", "coordinator", "cards")
    draw_images(world[fourth] / "source", 9, patients=24)
    return (*HOSPITALS, fourth)


def vectors(world: World, *parties: str) -> list[dict[str, np.ndarray]]:
    """What each trained in the open round, before the export destroys it."""
    result = []
    for party in parties:
        workspace = Workspace.find(world[party])
        with looking(workspace) as session:
            result.append(trained_vector(session, session.state.rounds()[-1]))
    return result


def body(world: World, file: str) -> dict[str, np.ndarray]:
    return unpack(read_again(world["coordinator"] / file).body())


def fresh_card(world: World, party: str) -> str:
    world.ok(party, "card", asks=True)
    world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    return f"cards/{party}.card"


def check_ledgers(world: World, rounds: dict[str, int]) -> None:
    for party, number in rounds.items():
        drawn = noises(world, party)
        assert len(drawn) == number
        spent = world.ok(party, "budget")["spent"]["epsilon"]
        assert spent == pytest.approx(independent(drawn), rel=1e-6)
        assert spent <= 5


@pytest.mark.slow
def test_a_hospital_that_skips_a_round_joins_the_next_and_pays_for_its_own_rounds_only(at: At) -> None:
    world = at("initialised")
    everybody = four_hospitals(world)
    staying = everybody[:3]
    join(world, plan(world, 3), *everybody)
    deliver(world, *everybody)
    aggregate(world, 1)  # opens round 2, for all four, and a mask key serves one plan: hence fresh cards

    cards = [fresh_card(world, party) for party in staying]
    without = world.ok("coordinator", "plan", *cards, "--continue", "--without", "hospital-d", asks=True)
    assert (without["round"], without["stage"], without["roster"]["members"]) == (3, 2, list(staying))
    join(world, without, *staying)
    for party in staying:
        world.ok(party, "train")
    mean = {
        name: sum(vector[name] for vector in vectors(world, *staying)) / 3
        for name in body(world, "plan-0003.plan")
    }
    deliver(world, *staying)
    aggregate(world, 3)
    start, model = body(world, "plan-0003.plan"), body(world, "models/global-0003.model")
    for name, change in mean.items():  # weights are equal whatever a hospital has: a constant, not a count
        assert np.abs(model[name] - start[name] - change).max() < 1e-6

    cards = [fresh_card(world, party) for party in everybody]
    back = world.ok("coordinator", "plan", *cards, "--continue", asks=True)
    assert (back["round"], back["stage"], back["roster"]["members"]) == (5, 3, list(everybody))
    join(world, back, *everybody)
    deliver(world, *everybody)
    assert aggregate(world, 5)["plan"] is None
    check_ledgers(world, {**dict.fromkeys(staying, 3), "hospital-d": 2})


@pytest.mark.slow
def test_a_hospital_that_did_not_deliver_joins_the_next_round_of_a_study_with_keyholders(at: At) -> None:
    world = at("initialised")
    everybody = four_hospitals(world)
    trustees = ("notary", "university")
    for party in trustees:
        world[party].mkdir()
        world.ok(party, "init", "--role", "trustee", "--name", party, asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    keyholders = (*HOSPITALS[:2], *trustees)
    (world["coordinator"] / "terms.yaml").write_text(
        f"{TERMS}\nmode: keyholders\nkeyholders: [hospital-a, hospital-b]\n"
    )

    def opened(planned: dict[str, Any], *delivering: str) -> dict[str, Any]:
        number = planned["round"]
        join(world, planned, *everybody, *trustees)
        deliver(world, *delivering)
        missing = [word for party in everybody if party not in delivering for word in ("--without", party)]
        world.ok("coordinator", "aggregate", f"updates/*-{number:04d}.enc", *missing, asks=True)
        for party in keyholders:
            request = world.carry(world["coordinator"] / f"round-{number:04d}.request", party)
            world.carry(world.ok(party, "unmask", request, asks=True)["share"], "coordinator", "shares")
        return world.ok("coordinator", "aggregate", f"shares/*-{number:04d}.share", asks=True)

    words = ("plan", "cards/*.card", "--from", "terms.yaml", "--rounds", "2")
    first = opened(world.ok("coordinator", *words, asks=True), *everybody[:3])
    assert first["lacking"] == ["hospital-d"]
    card = fresh_card(world, "hospital-d")
    second = world.ok("coordinator", "plan", card, "--continue", asks=True)
    assert (second["stage"], len(second["roster"]["members"])) == (2, 4)
    assert opened(second, *everybody)["hospitals"] == 4
    check_ledgers(world, {**dict.fromkeys(HOSPITALS, 2), "hospital-d": 1})
