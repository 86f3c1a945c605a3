"""A failed round is repeated: who was right sends the same vector again, pays nothing, shows nothing new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played_study import HOSPITALS, At, World, identity_in

import privxray
from privxray.exchange.commitments.committed import Committed
from privxray.exchange.commitments.group import add, generator
from privxray.exchange.intake import read_again
from privxray.exchange.masking.masks import adds
from privxray.exchange.messages.update import UpdateHeader
from privxray.workflow.hospital import export_update
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

MODEL = "received/global-0002.model"


@pytest.fixture
def failed(at: At, monkeypatch: pytest.MonkeyPatch) -> World:
    """Round 1 with an update of hospital-b that is not what it committed to."""
    world, right = at("trained"), export_update.conceal_committed

    def wrong(scalars: list[int], *more: Any, **named: Any) -> Any:
        done = right(scalars, *more, **named)
        scalars[3] += 1
        return done

    for party in HOSPITALS:
        with monkeypatch.context() as patch:
            if party == "hospital-b":
                patch.setattr(export_update, "conceal_committed", wrong)
            world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    return world


def test_two_that_contradict_each_other_pay_nothing(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them lied about the masks between them, and not about its vector; nothing tells which."""
    world, right = at("trained"), export_update.conceal_committed

    def lying(scalars: list[int], *more: Any, **named: Any) -> Any:
        committed, *rest = right(scalars, *more, **named)
        peer = min(committed.streams)
        scalars[0] += 1 if adds(more[1], peer) else -1
        streams = {**committed.streams, peer: add(committed.streams[peer], generator(0))}
        return (Committed(committed.vector, streams), *rest)

    for party in HOSPITALS:
        with monkeypatch.context() as patch:
            if party == "hospital-b":
                patch.setattr(export_update, "conceal_committed", lying)
            world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    assert world.refused("coordinator", "aggregate", "updates/*.enc", asks=True) == "update.masks-contradict"
    planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
    for party in HOSPITALS[1:]:
        told = world.ok(party, "join", world.carry(planned["plan"], party))["changes"]
        assert any("exports the same noisy numbers again, at no cost" in one for one in told)
    world.ok("hospital-b", "export-update", asks=True)
    assert commitment(world, "hospital-b", 1) == commitment(world, "hospital-b", 2)


def spent(world: World, party: str) -> float:
    return float(world.ok(party, "budget")["admitted"])


def commitment(world: World, party: str, number: int) -> Any:
    update = world[party] / "updates" / f"{party}-pneumonia-{number:04d}.enc"
    return read_again(update).envelope.claim(UpdateHeader).commitment


def kept(world: World, party: str) -> set[tuple[str, int]]:
    with looking(Workspace.find(world[party])) as session:
        return session.state.kept_vectors()


def saved(world: World, party: str) -> list[Path]:
    """The files of training results that lie in a workspace."""
    folder = Workspace.find(world[party]).round_folder("pneumonia", 1)
    assert folder.is_dir()
    return list(folder.rglob("vector/*"))


def test_one_wrong_update_costs_nobody_else_a_second_epsilon(failed: World) -> None:
    world = failed
    assert world.refused("coordinator", "aggregate", "updates/*.enc", asks=True) == "update.not-as-committed"
    before = {party: spent(world, party) for party in HOSPITALS}
    planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
    for party in HOSPITALS:
        said = world.type(party, "accept", world.carry(planned["plan"], party))
        assert said.code == 0, said.err
        told = " ".join((said.err + said.out).split())  # its table breaks lines
        if party == "hospital-b":
            assert "is to train anew, which costs privacy budget" in told
            assert world.refused(party, "train") == "budget.paid-before"
            world.ok(party, "train", "--epsilon", "3")
        else:
            assert "exports the same noisy numbers again, at no cost" in told
            assert world.refused(party, "train", "--epsilon", "3") == "round.other-epsilon"
            again = world.refused(party, "train", "--again", "--epsilon", "3")
            assert again == "train.again-in-repetition"
        update = world.ok(party, "export-update", asks=True)["update"]
        world.carry(update, "coordinator", "updates")
    after = {party: spent(world, party) for party in HOSPITALS}
    assert after["hospital-b"] > before["hospital-b"]
    for party in ("hospital-a", "hospital-c"):
        assert after[party] == before[party]
        assert commitment(world, party, 1) == commitment(world, party, 2)
    assert commitment(world, "hospital-b", 1) != commitment(world, "hospital-b", 2)
    summed = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    for party in HOSPITALS:
        assert kept(world, party)
        assert world.ok(party, "accept", world.carry(summed["model"], party), asks=True)["proven"]
        assert not kept(world, party)
        assert not saved(world, party)


@pytest.mark.parametrize("how", ["shown", "waived"])
def test_a_strict_round_goes_on_without_a_hospital(
    failed: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """hospital-b's update is wrong, and it does not come again. Two are left, which is enough here."""
    monkeypatch.setattr("privxray.keys.roster.MIN_HOSPITALS", 2)
    world, repeat = failed, ("plan", "--repeat", "updates/*.enc")
    if how == "waived":
        world.carry(world.ok("hospital-b", "waive", asks=True)["waiver"], "coordinator", "waivers")
        planned = world.ok("coordinator", *repeat, "waivers/*", asks=True)
        told = "hospital-b has signed that the round may be repeated without it"
    else:
        right = (*repeat, "--without", "hospital-c")
        assert world.refused("coordinator", *right, asks=True) == "repeat.without-waiver"
        planned = world.ok("coordinator", *repeat, "--without", "hospital-b", asks=True)
        told = "the update of hospital-b is not what it committed to, as the plan shows"
    before = spent(world, "hospital-a")
    for party in ("hospital-a", "hospital-c"):
        plan = world.carry(planned["plan"], party)
        said = world.type(party, "accept", plan, "--key-words", planned["key_words"])
        assert said.code == 0, said.err
        assert told in " ".join(said.err.split())
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    summed = world.ok("coordinator", "aggregate", "updates/*0002.enc", asks=True)
    assert summed["hospitals"] == 2
    assert world.ok("hospital-a", "accept", world.carry(summed["model"], "hospital-a"), asks=True)["proven"]
    assert spent(world, "hospital-a") == before


def test_the_same_vectors_give_the_same_sum(failed: World) -> None:
    """Even a coordinator that opened the first sum in secret learns nothing from the second one."""
    world = failed
    bodies = []
    for number in (1, 2):
        if number == 2:
            planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
            for party in ("hospital-a", "hospital-c"):
                world.ok(party, "accept", world.carry(planned["plan"], party))
                world.ok(party, "export-update", asks=True)
        bodies.append([hidden(world, party, number) for party in ("hospital-a", "hospital-c")])
    # Masks with hospital-b hide both, so it is the commitments that show the vectors to be the same...
    for place, party in enumerate(("hospital-a", "hospital-c")):
        assert commitment(world, party, 1) == commitment(world, party, 2)
        # ... and the masks are fresh: no number travels twice.
        assert not set(bodies[0][place]) & set(bodies[1][place])


def hidden(world: World, party: str, number: int) -> list[bytes]:
    from privxray.exchange.messages.update import open_update

    received = read_again(world[party] / "updates" / f"{party}-pneumonia-{number:04d}.enc")
    header = received.envelope.claim(UpdateHeader)
    body = b"".join(open_update(header, received.pieces(), identity_in(world["coordinator"])))
    tail = body[-32 * 100 :]  # the last 100 scalars
    return [tail[at : at + 32] for at in range(0, len(tail), 32)]


def test_a_round_is_repeated_from_its_own_updates_alone(failed: World) -> None:
    world = failed
    refused = world.refused
    repeat = ("plan", "--repeat", "updates/*.enc")
    assert refused("coordinator", *repeat, "--continue", asks=True) == "plan.repeat-alone"
    assert refused("coordinator", *repeat, "--epsilon", "3", asks=True) == "plan.repeat-alone"
    assert refused("coordinator", "plan", "--repeat", asks=True) == "plan.repeat-alone"
    one = world["coordinator"] / "updates" / "hospital-c-pneumonia-0001.enc"
    data = one.read_bytes()
    one.unlink()
    assert refused("coordinator", *repeat, asks=True) == "cohort.missing"
    less = (*repeat, "--without", "hospital-c")
    assert refused("coordinator", *less, asks=True) == "repeat.without-waiver"
    world.carry(world.ok("hospital-c", "waive", asks=True)["waiver"], "coordinator", "updates")
    assert refused("coordinator", *repeat, "updates/*.waiver", asks=True) == "roster.too-few-hospitals"
    one.write_bytes(data)
    # hospital-b's update is wrong, so it may be left out; but then two are left.
    without = (*repeat, "--without", "hospital-b")
    assert refused("coordinator", *without, asks=True) == "roster.too-few-hospitals"
    planned = world.ok("coordinator", *repeat, asks=True)
    assert planned["round"] == 2
    assert world.ok("coordinator", *repeat, asks=True) == planned  # delivered again, and nothing else
    # The same by a program.
    office, ward = (Workspace.find(world[party]) for party in ("coordinator", "hospital-c"))
    again = privxray.repeat_round(office, sorted(one.parent.glob("*.enc")), world.secret)
    assert str(again.path) == planned["plan"]
    waived = privxray.waive(ward, world.secret)
    assert (waived.again, waived.plan.round) == (True, 1)


def test_a_hospital_repeats_only_what_it_sent(failed: World) -> None:
    """A coordinator that names another commitment, or a hospital whose key is gone, is refused."""
    world = failed
    planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
    with looking(Workspace.find(world["hospital-c"])) as session, session.state.transaction():
        session.state.forget_vectors("pneumonia")
    plan = world.carry(planned["plan"], "hospital-c")
    assert world.refused("hospital-c", "accept", plan) == "repeat.other-vector"


@pytest.mark.parametrize("terms", [("--no-commitments",), ("--method", "dp-sgd")])
def test_a_plan_without_commitments_is_not_repeated(at: At, terms: tuple[str, ...]) -> None:
    world = at("initialised")
    planned = world.ok("coordinator", "plan", "cards/*.card", *terms, asks=True)
    refused: Callable[..., str] = world.refused
    assert refused("coordinator", "plan", "--repeat", planned["plan"], asks=True) == "repeat.not-in-plan"


def test_a_plan_that_begins_anew_forgets_the_vector(failed: World) -> None:
    world = failed
    assert kept(world, "hospital-a") == {("pneumonia", 1)}
    assert saved(world, "hospital-a")
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--continue", asks=True)
    words = planned["key_words"]
    world.ok("hospital-a", "accept", world.carry(planned["plan"], "hospital-a"), "--key-words", words)
    assert kept(world, "hospital-a") == set()
    assert not saved(world, "hospital-a")
