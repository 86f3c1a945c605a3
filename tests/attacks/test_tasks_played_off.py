"""A coordinator that wants a second look at what hospitals counted: with the same noise, or with fresh noise
for nothing. Through real workspaces, three hospitals in the mode strict.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from played_study import HOSPITALS, Snapshots, World, identity_in

from privxray.exchange.intake import envelope_of, read_again
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.summary import SummaryHeader, write_summary
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.header import Stamp
from privxray.formats.tensors import unpack
from privxray.privacy.noise import SecureNoise


@pytest.fixture
def counted(snapshots: Snapshots, tmp_path: Path) -> World:
    """Every hospital's description lies at the coordinator, which has not opened the sum."""
    return World(Path(shutil.copytree(snapshots("counted"), tmp_path / "world")))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each draw of noise."""
    seen: list[int] = []
    real = SecureNoise.gaussian
    monkeypatch.setattr(SecureNoise, "gaussian", lambda *a: seen.append(1) or real(*a))
    return seen


def commitment(world: World, party: str, number: int) -> str | None:
    file = world[party] / "updates" / f"{party}-pneumonia-{number:04d}.enc"
    return envelope_of(file).claim(UpdateHeader).commitment


def charged(world: World, party: str) -> list[str]:
    return [run["state"] for run in world.ok(party, "budget")["runs"]]


def test_a_description_that_is_said_to_have_failed_shows_the_same_sum_again(
    counted: World, snapshots: Snapshots, drawn: list[int]
) -> None:
    """The coordinator has opened the sum, and has the round repeated: no noise is drawn, and nothing is paid.
    Who has the summary takes no part, and who gets it later learns that the round had not failed."""
    world, opened = counted, snapshots("summed") / "coordinator" / "round-0002.summary"
    plan = world.ok("coordinator", "plan", "--repeat", "updates/*-0002.enc", asks=True)["plan"]
    honest = World(world.root.with_name("honest"))
    shutil.copytree(world["hospital-b"], honest["hospital-b"])
    shutil.copy(world.passphrase, honest.passphrase)
    honest.ok("hospital-b", "accept", honest.carry(opened, "hospital-b"), asks=True)
    assert honest.refused("hospital-b", "accept", honest.carry(plan, "hospital-b")) == "repeat.other-vector"
    for party in HOSPITALS:
        world.ok(party, "accept", world.carry(plan, party))
        assert "already" in world.ok(party, "describe", "--contribute")
        update = world.ok(party, "export-update", asks=True)["update"]
        world.carry(update, "coordinator", "updates")
        assert commitment(world, party, 3) == commitment(world, party, 2) is not None
        assert charged(world, party) == ["released"]
    again = world.ok("coordinator", "aggregate", "updates/*-0003.enc", asks=True)["summary"]
    first, second = (unpack(read_again(Path(file)).body())["counts"] for file in (opened, again))
    assert np.array_equal(first, second)
    assert drawn == []
    late = world.carry(opened, "hospital-a")
    assert world.refused("hospital-a", "accept", late, asks=True) == "model.not-in-later-plan"


def test_a_description_that_is_planned_again_is_paid_again(counted: World, drawn: list[int]) -> None:
    """Fresh noise over the same counts would average out; so each draw is in the ledger, up to its limit."""
    world = counted
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    made = world.ok("coordinator", "plan", "cards/*.card", "--continue", asks=True)
    world.ok("hospital-a", "accept", world.carry(made["plan"], "hospital-a"))
    world.ok("hospital-a", "describe", "--contribute")
    world.ok("hospital-a", "export-update", asks=True)
    assert charged(world, "hospital-a") == ["released"] * 2
    assert commitment(world, "hospital-a", 3) != commitment(world, "hospital-a", 2)
    assert drawn == [1]


def test_a_description_beyond_the_lifetime_limit_draws_nothing(counted: World, drawn: list[int]) -> None:
    """A study that is begun anew may ask for any epsilon; what the limit does not hold is neither drawn nor
    charged, however often it is typed."""
    world = counted
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    made = world.ok(
        "coordinator", "plan", "cards/*.card", "--replace", "--describe-epsilon", "9.9", asks=True
    )
    plan = world.carry(made["plan"], "hospital-a")
    told = world.ok("hospital-a", "join", plan, "--key-words", made["key_words"])
    assert any(one.startswith("schedule is") for one in told["changes"])
    for _ in range(2):
        assert world.refused("hospital-a", "describe", "--contribute") == "epsilon.more-than-before"
        typed = ("describe", "--contribute", "--epsilon", "9.9")
        assert world.refused("hospital-a", *typed) == "budget.exceeded"
    assert charged(world, "hospital-a") == ["released"]
    assert drawn == []


def test_different_summaries_are_noticed_at_the_next_plan(snapshots: Snapshots, tmp_path: Path) -> None:
    """The same numbers and proof, signed once more: another file, which the next plan does not name."""
    world = World(Path(shutil.copytree(snapshots("summed"), tmp_path / "world")))
    honest = world["coordinator"] / "round-0002.summary"
    kept = read_again(honest)
    signed = SignedPlan.claimed(read_again(world["coordinator"] / "plan-0002.plan").envelope)
    proof = kept.envelope.claim(SummaryHeader).proof
    stamp = Stamp(created="2026-01-02T03:04:05Z", software="privxray 0.1.0")
    other = tmp_path / "other" / honest.name
    other.parent.mkdir()
    other.write_bytes(
        write_summary(unpack(kept.body()), signed, identity_in(world["coordinator"]), stamp, proof=proof)
    )
    shutil.copy(honest.with_suffix(".proof"), other.parent)
    world.ok("hospital-a", "accept", honest, asks=True)
    world.ok("hospital-b", "accept", other, asks=True)
    plan = world.ok("coordinator", "plan", "--continue", asks=True)["plan"]
    world.ok("hospital-a", "accept", plan)
    assert world.refused("hospital-b", "accept", plan) == "heads.other-result"
    world.ok("hospital-c", "accept", plan)  # which followed the plan first
    assert world.refused("hospital-c", "accept", other, asks=True) == "model.not-in-later-plan"
