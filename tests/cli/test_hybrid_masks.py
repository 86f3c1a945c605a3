"""A study with hybrid masks: agreed on once, then played through two rounds, the second of them twice."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from played_hybrid import ASKS, TRAINS
from played_study import HOSPITALS, At, World, identity_in, write_passphrase

from privxray.errors import PrivxrayError
from privxray.exchange.intake import read_again
from privxray.exchange.masking.agreed_secrets import later_secret
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.features import carried_out
from privxray.keys.identity import Identity
from privxray.workflow.common import fresh_card
from privxray.workflow.custody.copied_databases import state_for_backup
from privxray.workflow.hospital import export_update
from privxray.workflow.hospital.agreeing.kept_secrets import (
    end_round,
    expect_agreed,
    keep_secrets,
    secrets_of,
)
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking
from privxray.workspace.state import State


def agreement(party: str) -> str:
    return f"updates/{party}-pneumonia-0002.agreement"


def export(world: World) -> None:
    for party in HOSPITALS:
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")


def kept(world: World, party: str) -> list[int]:
    """The rounds whose agreed secrets lie in a workspace."""
    with looking(Workspace.find(world[party])) as session:
        return [row.round for row in session.state.agreed("pneumonia")]


def kem_is_there(world: World, party: str) -> bool:
    """Whether the private half of the newest encapsulation key lies in a workspace."""
    with looking(Workspace.find(world[party])) as session:
        return session.state.encapsulation_keys.all()[-1].sealed is not None


def test_two_rounds_of_which_one_is_repeated(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world, right = at("hybrid-came"), export_update.conceal_committed

    def wrong(scalars: list[int], *more: Any, **named: Any) -> Any:
        done = right(scalars, *more, **named)
        scalars[3] += 1
        return done

    for party in HOSPITALS:
        assert kem_is_there(world, party)
        assert kept(world, party) == [2]
        world.ok(party, "accept", TRAINS, asks=True)
        assert not kem_is_there(world, party)
        assert kept(world, party) == list(range(3, 11))
        world.ok(party, "train", "--epsilon", "6")
    with monkeypatch.context() as patch:
        patch.setattr(export_update, "conceal_committed", wrong)
        world.ok("hospital-b", "export-update", asks=True)
    export(world)
    refused = world.refused("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert refused == "update.not-as-committed"
    repeated = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
    for party in HOSPITALS:
        assert kept(world, party) == list(range(4, 12))
        world.ok(party, "accept", world.carry(repeated["plan"], party))  # no passphrase is needed any more
        assert kept(world, party) == list(range(4, 12))
    world.ok("hospital-b", "train", "--epsilon", "5")
    export(world)
    summed = world.ok("coordinator", "aggregate", "updates/*-0004.enc", asks=True)
    for party in HOSPITALS:
        assert kept(world, party) == list(range(5, 13))
        assert world.ok(party, "accept", world.carry(summed["model"], party), asks=True)["proven"]
        world.ok(party, "accept", world.carry(summed["plan"], party))
        world.ok(party, "train", "--epsilon", "6")
    export(world)
    record = world["hospital-a"] / "updates/hospital-a-pneumonia-0005.release.json"
    assert '"masks": "X25519 and ML-KEM-768 together"' in record.read_text()
    page = world.ok("hospital-a", "report", "privacy")["reports"][0]
    assert "rest on X25519 and ML-KEM-768 together" in (world["hospital-a"] / page).read_text()
    last = world.ok("coordinator", "aggregate", "updates/*-0005.enc", asks=True)
    assert world.ok("hospital-a", "accept", world.carry(last["model"], "hospital-a"), asks=True)["proven"]


def test_an_agreement_is_written_by_join_and_stays_the_same(at: At) -> None:
    world = at("hybrid-planned")
    words = ("--key-words", world.key_words())
    told = world.type("hospital-a", "join", ASKS, *words, asks=True)
    assert told.code == 0
    assert "agreement" in told.err
    assert f"{agreement('hospital-a')} to the coordinator" in told.err
    file = world["hospital-a"] / agreement("hospital-a")
    first = file.read_bytes()
    file.unlink()
    again = world.ok("hospital-a", "join", ASKS)
    assert again["already"]
    assert file.read_bytes() == first
    assert "X25519 and ML-KEM-768 together" in told.out
    assert world.refused("hospital-a", "train", "--epsilon", "6") == "round.agreed"
    assert world.refused("hospital-a", "export-update", asks=True) == "round.agreed"
    assert world.refused("hospital-a", "waive", asks=True) == "round.agreed"
    assert world.type("hospital-a", "inspect", file).code == 0
    assert world.type("hospital-b", "join", ASKS, *words).code == 2  # no terminal to ask for a passphrase at


def test_who_is_missing_and_what_differs_is_told_at_the_coordinator(at: At) -> None:
    world = at("hybrid-planned")
    # The one with the lowest fingerprint encapsulates, so two copies of its workspace agree on other secrets.
    last, *others = sorted(HOSPITALS, key=lambda party: identity_in(world[party]).public().fingerprint)
    others.sort()
    for place, party in enumerate(others):
        joined = world.ok(party, "join", ASKS, "--key-words", world.key_words(), asks=True)
        assert world.carry(joined["agreement"], "coordinator", "updates").exists()
        status = world.type("coordinator", "status")
        awaited = " and ".join(one for one in HOSPITALS if one not in others[: place + 1])
        assert f"delivered; wait for {awaited}, then type" in status.out + status.err
    result = world.type("coordinator", "aggregate", "updates/*.agreement", "--json", asks=True)
    assert result.json["error"]["reason"] == "cohort.missing"
    assert last in result.json["error"]["what"]
    left_out = ("aggregate", "updates/*.agreement", "--without", last)
    assert world.refused("coordinator", *left_out, asks=True) == "roster.too-few-hospitals"
    wrongly = (*left_out, "--without", others[0])
    assert world.refused("coordinator", *wrongly, asks=True) == "without.delivered"
    twin = World(world.root / "twin")
    twin.root.mkdir()
    write_passphrase(twin.passphrase)
    shutil.copytree(world[last], twin[last])
    for folder, one in (("updates", world), ("other", twin)):
        joined = one.ok(last, "join", ASKS, "--key-words", world.key_words(), asks=True)
        world.carry(joined["agreement"], "coordinator", folder)
    both = ("aggregate", "updates/*.agreement", "other/*.agreement")
    assert world.refused("coordinator", *both, asks=True) == "cohort.refused"
    done = world.ok("coordinator", "aggregate", "updates/*.agreement", asks=True)
    (world["coordinator"] / "plan-0003.plan").unlink()
    again = world.ok("coordinator", "aggregate", "updates/*.agreement", asks=True)
    assert (again["already"], again["plan"], done["already"]) == (True, done["plan"], False)
    assert (world["coordinator"] / "plan-0003.plan").exists()
    plan = world.carry(done["plan"], last)
    shutil.copy(plan, twin[last] / TRAINS)
    assert twin.refused(last, "accept", TRAINS, asks=True) == "plan.other-own-ciphertexts"
    world.ok(last, "accept", TRAINS, asks=True)


def test_a_version_without_hybrid_masks_is_named_at_plan(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("initialised")
    others = tuple(name for name in carried_out() if name != "hybrid-masks")
    with monkeypatch.context() as patch:
        parts = fresh_card.CardParts

        def older(*args: Any, **named: Any) -> Any:
            return dataclasses.replace(parts(*args, **named), can=others, kem=None)

        patch.setattr(fresh_card, "CardParts", older)
        world.ok("hospital-b", "card", asks=True)
    world.carry(world["hospital-b"] / "hospital-b.card", "coordinator", "cards")
    result = world.type("coordinator", "plan", "cards/*.card", "--masks", "hybrid", "--json", asks=True)
    assert result.json["error"]["reason"] == "plan.version-lacks"
    assert "hospital-b lacks hybrid-masks" in result.json["error"]["what"]
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    assert planned["terms"]["masks"] == "X25519 alone"
    assert any("quantum computer" in remark for remark in planned["remarks"])
    told = world.type("hospital-a", "inspect", planned["plan"])
    assert "quantum computer" in " ".join(told.out.split())


def test_a_newcomer_and_a_restored_hospital_have_no_secret(at: At) -> None:
    world = at("hybrid-came")
    world["clinic"].mkdir()
    world.ok("clinic", "init", "--role", "hospital", "--name", "clinic", asks=True)
    card = world.carry(world["clinic"] / "clinic.card", "coordinator", "new")
    fresh = []
    for party in HOSPITALS:
        world.ok(party, "card", asks=True)
        fresh.append(world.carry(world[party] / f"{party}.card", "coordinator", "new"))
    words = ("plan", *fresh, card, "--continue")
    assert world.refused("coordinator", *words, asks=True) == "plan.newcomer-not-agreed"
    world.ok("hospital-a", "accept", TRAINS, asks=True)
    planned = world.ok("coordinator", "plan", *fresh, "--continue", asks=True)
    plan = world.carry(planned["plan"], "hospital-a")
    workspace = Workspace.find(world["hospital-a"])
    # As in a backup: no secret and no key of a round is left.
    (world["hospital-a"] / "backup.db").write_bytes(state_for_backup(workspace.state_path, "hospital"))
    with State(world["hospital-a"] / "backup.db") as state:
        assert state.agreed("pneumonia") == []
        assert all(key.sealed is None for key in state.encapsulation_keys.all())
    with State(workspace.state_path) as state, state.transaction():
        state.replace_agreed("pneumonia", ())
    assert world.refused("hospital-a", "accept", plan) == "agreement.secrets-lost"


def test_secrets_of_rounds_that_are_over_are_gone(tmp_path: Path) -> None:
    identity, other = Identity.generate(), Identity.generate()
    peers = {"aa" * 32: b"a" * 32, "bb" * 32: b"b" * 32}
    with State(tmp_path / "state.db") as state:
        with state.transaction():
            keep_secrets(state, identity, "pneumonia", 3, peers, ahead=2)
        assert secrets_of(state, identity, "pneumonia", 3) == peers
        later = {peer: later_secret(one, 4) for peer, one in peers.items()}
        assert secrets_of(state, identity, "pneumonia", 7) == later
        with pytest.raises(InvalidTag):
            secrets_of(state, other, "pneumonia", 3)
        with pytest.raises(PrivxrayError) as early:
            secrets_of(state, identity, "pneumonia", 2)
        assert early.value.reason == "agreement.secrets-lost"
        with state.transaction():
            state.end_agreed_before("pneumonia", 9)  # the last stays, for later ones come of it
        assert [row.round for row in state.agreed("pneumonia")] == [4]
        assert secrets_of(state, identity, "pneumonia", 7) == later
        with state.transaction():
            end_round(state, identity, "pneumonia", 7, later)
        assert [row.round for row in state.agreed("pneumonia")] == list(range(8, 16))
        with state.transaction():
            state.end_agreed_before("pneumonia", 10)
        assert [row.round for row in state.agreed("pneumonia")] == list(range(10, 16))
        nine = {peer: later_secret(one, 9) for peer, one in peers.items()}
        assert secrets_of(state, identity, "pneumonia", 12) == nine


def test_a_plan_with_a_stranger_is_refused_where_the_secrets_lie(at: At) -> None:
    world = at("hybrid-came")
    world.ok("hospital-a", "accept", TRAINS, asks=True)
    own = identity_in(world["hospital-a"]).public().fingerprint
    plan = read_again(world["hospital-a"] / TRAINS).envelope.claim(PlanHeader)
    later = plan.model_copy(update={"round": 4, "encapsulated": None})
    stranger = plan.roster.members[2].model_copy(
        update={"name": "stranger", "keys": Identity.generate().public()}
    )
    roster = plan.roster.model_copy(update={"members": (*plan.roster.members[:2], stranger)})
    with looking(Workspace.find(world["hospital-a"])) as session:
        expect_agreed(session.state, later, own)
        with pytest.raises(PrivxrayError, match="no secret with stranger") as caught:
            expect_agreed(session.state, later.model_copy(update={"roster": roster}), own)
    assert caught.value.reason == "agreement.none-with-them"
