"""A round with keyholders that can't be opened is repeated: the same sum, at no second cost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import played_keyholders
import pytest
from played_study import At, World, identity_in

import privxray
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.update import UpdateHeader
from privxray.workspace.folder import Workspace

SURVIVORS = played_keyholders.HOSPITALS[:4]
FORMER = ("hospital-a", "notary")


def spent(world: World, party: str) -> float:
    return float(world.ok(party, "budget")["admitted"])


def commitment(world: World, party: str, number: int) -> Any:
    update = world[party] / "updates" / f"{party}-pneumonia-{number:04d}.enc"
    return read_again(update).envelope.claim(UpdateHeader).commitment


@pytest.fixture
def stuck(at: At) -> World:
    """Five are in the sum. Two keyholders have answered, one too few; the other two send cards."""
    world = at("keyholders-exported")
    played_keyholders.deliver(world, "hospital-e")
    world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    played_keyholders.answer(world, *FORMER)
    for party in ("hospital-b", "university"):
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "fresh")
    return world


REPEAT = ("plan", "--repeat", "shares/*.share", "fresh/*.card")


def follow(world: World, planned: dict[str, Any], *parties: str) -> None:
    for party in parties:
        plan = world.carry(planned["plan"], party)
        world.ok(party, "accept", plan, "--key-words", planned["key_words"])


def test_too_few_keyholders_cost_nobody_a_second_epsilon(stuck: World) -> None:
    world, refused = stuck, stuck.refused
    assert refused("coordinator", "aggregate", "shares/*.share", asks=True) == "cohort.missing"
    assert refused("coordinator", *REPEAT[:-1], asks=True) == "plan.keys-lacking"
    left = (*REPEAT, "--without", "hospital-e")
    assert refused("coordinator", *left, asks=True) == "repeat.without-waiver"
    waived = world.ok("hospital-e", "waive", asks=True)
    assert world.ok("hospital-e", "waive", asks=True) == {**waived, "again": True}
    file = world.carry(waived["waiver"], "coordinator", "fresh")
    assert "may then be told from the sum" in world.type("coordinator", "inspect", file).out
    planned = world.ok("coordinator", *REPEAT, "fresh/*.waiver", asks=True)
    assert world.ok("coordinator", *REPEAT, "fresh/*.waiver", asks=True) == planned
    plan = SignedPlan.claimed(read_again(Path(planned["plan"])).envelope).plan
    assert len(plan.hospitals) == len(plan.without.asked) == len(plan.repeats.same) == 4
    gone = world.carry(planned["plan"], "hospital-e")
    assert refused("hospital-e", "accept", gone) == "plan.waived"
    before = {party: spent(world, party) for party in SURVIVORS}
    follow(world, planned, *SURVIVORS, *played_keyholders.TRUSTEES)
    played_keyholders.deliver(world, *SURVIVORS)
    for party in SURVIVORS:
        assert spent(world, party) == before[party]
        assert commitment(world, party, 1) == commitment(world, party, 2)
    # The coordinator asks for the same sum or for none. Whoever has answered for others before refuses.
    updates = world["coordinator"] / "updates"
    d = updates / "hospital-d-pneumonia-0002.enc"
    data = d.read_bytes()
    d.unlink()
    few = ("aggregate", "updates/*.enc", "--without", "hospital-d")
    assert refused("coordinator", *few, asks=True) == "cohort.missing"
    d.write_bytes(data)
    asked = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert asked["survivors"] == list(SURVIVORS)
    with answered_without(world, "notary", "hospital-d"):
        request = world.carry(asked["request"], "notary")
        assert refused("notary", "unmask", request, asks=True) == "request.other-hospitals-than-repeated"
    for party in (*FORMER, "university"):
        request = world.carry(asked["request"], party)
        share = world.ok(party, "unmask", request, asks=True)["share"]
        world.carry(share, "coordinator", "shares")
    summed = world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    assert summed["hospitals"] == 4
    told = world.ok("hospital-d", "accept", world.carry(summed["model"], "hospital-d"), asks=True)
    assert told["proven"]


@contextmanager
def answered_without(world: World, party: str, other: str) -> Iterator[None]:
    """As if a keyholder's answer of round 1 had been for one hospital fewer."""
    out = f" {identity_in(world[other]).public().fingerprint} "
    with closing(sqlite3.connect(Workspace.find(world[party]).state_path)) as database:
        ((whole,),) = database.execute("SELECT survivors FROM answer")
        assert out.strip() in whole
        database.execute("UPDATE answer SET survivors = ?", (f" {whole} ".replace(out, " "),))
        database.commit()
        yield
        database.execute("UPDATE answer SET survivors = ?", (whole,))
        database.commit()


def test_enough_refusals_free_the_keyholders(at: At) -> None:
    """Three of four have answered nothing and swear it, so a repetition may be of any of the hospitals."""
    world = at("keyholders-requested")
    refused = world.refused
    share = world.ok("hospital-a", "unmask", "received/round-0001.request", asks=True)["share"]
    world.carry(share, "coordinator", "s")
    assert refused("hospital-a", "refuse", asks=True) == "refusal.answered"
    with pytest.raises(privxray.PrivxrayError) as told:
        privxray.refuse(Workspace.find(world["hospital-a"]), world.secret)
    assert told.value.reason == "refusal.answered"
    assert refused("hospital-c", "refuse", asks=True) == "refusal.no-keyholder"
    for party in ("hospital-b", *played_keyholders.TRUSTEES):
        sworn = world.ok(party, "refuse", asks=True)
        assert sworn["round"] == 1
        assert not sworn["again"]
        assert world.ok(party, "refuse", asks=True)["again"]
        assert refused(party, "unmask", "received/round-0001.request", asks=True) == "request.sworn-off"
        file = world.carry(sworn["refusal"], "coordinator", "s")
        assert "answers nothing in a round" in world.type("coordinator", "inspect", file).out
        assert file.name in world.type(party, "status").err
    few = ("plan", "--repeat", "s/hospital-b*", "--without", "hospital-e", "--without", "hospital-d")
    assert refused("coordinator", *few, asks=True) == "plan.keys-lacking"
    words = ("plan", "--repeat", "s/*", "--without", "hospital-e")
    planned = world.ok("coordinator", *words, asks=True)
    plan = SignedPlan.claimed(read_again(Path(planned["plan"])).envelope).plan
    assert plan.without is not None
    assert plan.without.asked is None, "nobody was asked, as far as anybody can tell"
    assert len(plan.without.refusals) == 3
    follow(world, planned, "hospital-d", "notary")
    assert world.refused("notary", "refuse", "--study", "other", asks=True) == "study.not-joined"
