"""A study whose sum can be opened without some hospitals, typed as its people would: hospitals and
trustees.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from played_keyholders import HOSPITALS, KEYHOLDERS, TRUSTEES, answer, deliver, plain_vectors
from played_study import Snapshots, World, copy_world, identity_in

from privxray.exchange.intake import read_again
from privxray.exchange.masking.fixed_point import dequantise
from privxray.exchange.messages.heads import Since
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import write_request
from privxray.explanations.catalogue import reasons
from privxray.formats.header import Stamp
from privxray.formats.tensors import unpack
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@pytest.fixture
def copy(snapshots: Snapshots, tmp_path: Path) -> Callable[[], World]:
    return lambda: World(copy_world(snapshots("keyholders-trained"), tmp_path / "world"))


def expect_echoed(world: World, planned: Any, parties: tuple[str, ...]) -> None:
    """The plan of round 2 says what these parties had seen, and what was signed in between."""
    following = read_again(Path(planned["plan"])).envelope.claim(PlanHeader)
    request, model = (
        read_again(world["coordinator"] / file).envelope.digest
        for file in ("round-0001.request", "models/global-0001.model")
    )
    assert following.since == Since(request=request, result=model)
    names = {party.keys.fingerprint: party.name for party in following.roster.parties}
    assert following.heads is not None
    assert sorted(names[one.party] for one in following.heads) == list(parties)
    # A trustee has words to compare as well.
    world.carry(planned["plan"], "notary")
    before = world.ok("notary", "verify", world.carry(world["coordinator"] / "plan-0001.plan", "notary"))
    assert len(before["words"].split()) == 12


def test_a_round_goes_on_without_a_hospital_and_without_a_keyholder(copy: Callable[[], World]) -> None:
    world = copy()
    came = HOSPITALS[:4]
    plain = plain_vectors(world, came)
    deliver(world, *came)
    assert world.refused("coordinator", "aggregate", "updates/*.enc", asks=True) == "cohort.missing"
    waiting = world.type("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert "missing: hospital-e" in waiting.err
    assert "--without NAME" in waiting.err
    made = world.ok("coordinator", "aggregate", "updates/*.enc", "--without", "hospital-e", asks=True)
    assert made["survivors"] == list(came)
    assert made["missing"] == ["hospital-e"]
    assert made["keyholders"] == list(KEYHOLDERS)
    first = Path(made["request"]).read_bytes()
    again = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert again["already"]
    assert Path(again["request"]).read_bytes() == first

    answer(world, "hospital-a", "notary")
    assert world.refused("coordinator", "aggregate", "shares/*.share", asks=True) == "cohort.missing"
    short = world.type("coordinator", "aggregate", "shares/*.share", asks=True)
    assert "1 more of the share files of hospital-b, university" in short.err
    shutil.copytree(world["hospital-e"], world.root / "away")
    deliver(world, "hospital-e")  # too late: passed over, whatever comes
    answer(world, "university")
    done = world.ok(
        "coordinator", "aggregate", "shares/*.share", "updates/hospital-e-pneumonia-0001.enc", asks=True
    )
    assert done["hospitals"] == 4
    assert any("hospital-e" in note and "too late" in note for note in done["notes"])
    assert done["plan"] is None
    assert done["lacking"] == ["hospital-b", "hospital-e"]

    workspace = Workspace.find(world["coordinator"])
    with State(workspace.state_path) as state:
        plan = load_plan(workspace, state.rounds()[-1])
    sums = dequantise(sum(plain.values()), plan.manifest, plan.modulus_bits)
    from privxray.learning import methods
    from privxray.learning.interface import Task

    method = methods.get(plan.method)
    expected = method.combine(sums, 4, Task(method.constants(plan.constants), plan.classes, {}))
    model = unpack(read_again(Path(done["model"])).body())
    assert model.keys() == expected.keys()
    for name, tensor in expected.items():
        assert np.array_equal(model[name], tensor), name

    # Who has the round's model and did not deliver is kept from paying for a training that nobody sums.
    world.ok("away", "accept", world.carry(done["model"], "away"), asks=True)
    advice = " ".join(world.ok("away", "status")["next"])
    assert "without this hospital" in advice
    assert "predict" in advice
    charged = world.ok("away", "budget")["charged"]
    as_if_never_trained(world["away"])
    assert world.refused("away", "train", "--epsilon", "6") == "round.too-late"
    assert world.ok("away", "budget")["charged"] == charged

    # The next round: fresh cards of the two that gave no next key; everybody else's came with their files.
    advice = world.ok("coordinator", "status")["next"]
    assert any("--continue" in line for line in advice)
    for party in ("hospital-b", "hospital-e"):
        world.ok(party, "card", "--study", "pneumonia", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "fresh")
    assert world.refused("coordinator", "plan", "--continue", asks=True) == "plan.keys-lacking"
    refused = world.type("coordinator", "plan", "--continue", asks=True)
    assert "hospital-b, hospital-e" in refused.err
    following = world.ok("coordinator", "plan", "fresh/*.card", "--continue", asks=True)
    expect_echoed(world, following, (*HOSPITALS[:4], *TRUSTEES))
    assert following["stage"] == 2
    assert following["roster"]["version"] == 1
    for party in (*HOSPITALS, *TRUSTEES):
        joined = world.ok(party, "accept", world.carry(following["plan"], party))
        assert joined["kind"] == "plan"
    model = world.carry(done["model"], "notary")
    assert world.refused("notary", "accept", model) == "accept.model-at-trustee"


def test_a_keyholder_answers_once_and_only_what_it_should(copy: Callable[[], World]) -> None:
    world = copy()
    deliver(world, *HOSPITALS)
    made = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    request = world.carry(made["request"], "notary")
    share = Path(world.ok("notary", "unmask", request, asks=True)["share"])
    data = share.read_bytes()
    share.unlink()
    repeated = world.ok("notary", "unmask", request, asks=True)
    assert repeated["again"]
    assert share.read_bytes() == data
    with State(Workspace.find(world["notary"]).state_path) as state:
        assert [key.sealed for key in state.unsealing_keys.all() if key.plan] == [None]
        assert len([key for key in state.unsealing_keys.all() if key.sealed]) == 1
    assert world.ok("notary", "status")["rounds"][0]["state"] == "answered"

    # The same coordinator signs another request for the same round: without one of the survivors.
    evil = another_request(world, HOSPITALS[:4], "notary")
    second = world.type("notary", "unmask", evil, asks=True)
    assert second.code == 4
    assert "another request of this round was answered before" in second.err
    assert "call the data officers" in second.err
    told = world.type("notary", "unmask", evil, "--json", asks=True)
    assert told.json["error"]["reason"] == "request.second"
    evil = another_request(world, HOSPITALS[:2], "notary")
    for party in ("university", "hospital-b"):
        refused = world.type(party, "unmask", evil, "--json", asks=True)
        assert (refused.code, refused.json["error"]["reason"]) == (4, "request.too-few-survivors")
        assert "no fewer than 4" in refused.json["error"]["what"]
    stranger = world.type("hospital-c", "unmask", request, "--json", asks=True)
    assert (stranger.code, stranger.json["error"]["reason"]) == (4, "request.no-keyholder-here")


FOUR = ("--keyholder", "hospital-a", "--keyholder", "hospital-b")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (FOUR[:2], "committee.nobody-may-miss"),
        ((*FOUR, "--threshold", "2"), "committee.two-sums"),
        ((*FOUR, "--corrupt-keyholders", "0"), "committee.no-corrupt-keyholder"),
        ((*FOUR, "--minimum-cohort", "2"), "committee.cohort-too-small"),
        ((*FOUR, "--minimum-cohort", "3"), "committee.one-hospital-left"),
        (("--keyholder", "hospital-x", *FOUR[2:]), "plan.unknown-keyholder"),
    ],
)
def test_unsafe_committees_are_refused_with_the_reason(
    copy: Callable[[], World], options: tuple[str, ...], reason: str
) -> None:
    world = copy()
    for party in (*HOSPITALS, *TRUSTEES):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "fresh")
    words = ("plan", "fresh/*.card", "--mode", "keyholders", "--replace", *options)
    refused = world.type("coordinator", *words, "--json", asks=True)
    assert refused.json["error"]["reason"] == reason
    assert refused.code == reasons()[reason].exit_code
    plain = world.type("coordinator", *words, asks=True)
    assert (plain.code, refused.json["error"]["what"] in plain.err) == (refused.code, True)


def test_a_keyholder_whose_own_update_is_withheld_is_told(copy: Callable[[], World]) -> None:
    world = copy()
    deliver(world, *HOSPITALS[1:])
    world.ok("hospital-a", "export-update", asks=True)
    words = ("aggregate", "updates/*.enc", "--without", "hospital-a")
    made = world.ok("coordinator", *words, asks=True)
    told = world.ok("hospital-a", "unmask", world.carry(made["request"], "hospital-a"), asks=True)
    assert any("the request leaves it out" in warning for warning in told["warnings"])
    told = world.ok("hospital-b", "unmask", world.carry(made["request"], "hospital-b"), asks=True)
    assert not told["warnings"]
    assert world.ok("hospital-a", "export-update", asks=True)["again"], "the same bytes are no new secret"


def test_a_keyholder_that_helped_to_open_the_sum_without_itself_exports_no_more(
    copy: Callable[[], World],
) -> None:
    world = copy()
    deliver(world, "hospital-a", *HOSPITALS[2:])
    words = ("aggregate", "updates/*.enc", "--without", "hospital-b")
    made = world.ok("coordinator", *words, asks=True)
    world.ok("hospital-b", "unmask", world.carry(made["request"], "hospital-b"), asks=True)
    assert world.refused("hospital-b", "export-update", asks=True) == "round.too-late"
    assert world.refused("hospital-b", "train", "--again", "--epsilon", "1") == "round.too-late"
    assert not list(world["hospital-b"].rglob("*.enc"))
    assert any("without this hospital" in line for line in world.ok("hospital-b", "status")["next"])
    as_if_never_trained(world["hospital-b"])
    # Nothing is charged for a round that can't take it.
    assert world.refused("hospital-b", "train", "--epsilon", "6") == "round.too-late"


def test_a_state_put_back_under_a_keyholders_answer_is_noticed_by_another_request(
    copy: Callable[[], World],
) -> None:
    """state.db alone comes from a backup: the answer beside it still says which request it was to."""
    world = copy()
    deliver(world, *HOSPITALS)
    first = world.carry(world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["request"], "notary")
    state_path = Workspace.find(world["notary"]).state_path
    older = state_path.read_bytes()
    share = Path(world.ok("notary", "unmask", first, asks=True)["share"])
    state_path.write_bytes(older)
    second = another_request(world, HOSPITALS[:4], "notary")
    assert world.refused("notary", "unmask", second, asks=True) == "request.second-of-round"
    share.unlink()
    assert world.ok("notary", "unmask", first, asks=True)["share"], (
        "as after a crash before the state was written"
    )


def as_if_never_trained(folder: Path) -> None:
    with sqlite3.connect(Workspace.find(folder).state_path) as database:
        database.execute("UPDATE round SET state = 'joined', epsilon = NULL, vector_key = NULL")


def another_request(world: World, survivors: tuple[str, ...], party: str) -> Path:
    """The coordinator signs a second request for the round, for the sum of other hospitals."""
    workspace = Workspace.find(world["coordinator"])
    coordinator = identity_in(world["coordinator"])
    with State(workspace.state_path) as state:
        round_ = state.rounds()[-1]
        plan = load_plan(workspace, round_)
    envelopes = {}
    for hospital in survivors:
        received = read_again(world["coordinator"] / "updates" / f"{hospital}-pneumonia-0001.enc")
        envelopes[received.envelope.key_id] = received.path.read_bytes()[: received.envelope.length]
    evil = world[party] / "evil.request"
    made = Stamp("2026-01-02T03:04:05Z", "privxray 0.1.0")
    evil.write_bytes(write_request(envelopes, SignedPlan(plan, round_.plan), coordinator, made))
    return evil


def test_without_belongs_to_a_request(
    copy: Callable[[], World], snapshots: Snapshots, tmp_path: Path
) -> None:
    strict = World(copy_world(snapshots("exported"), tmp_path / "strict"))
    words = ("aggregate", "updates/*.enc", "--without", "hospital-c")
    assert strict.refused("coordinator", *words, asks=True) == "without.no-place"


def test_terms_that_change_under_known_key_words_are_shown(copy: Callable[[], World]) -> None:
    """Key words cover the parties alone: a plan anew for the same ones may ask for less."""
    world = copy()
    for party in (*HOSPITALS, *TRUSTEES):
        world.ok(party, "card", "--study", "pneumonia", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "fresh")
    words = ("plan", "fresh/*.card", "--mode", "keyholders", "--replace", *FOUR, "--epsilon", "9")
    planned = world.ok("coordinator", *words, "--corrupt-keyholders", "1", "--rounds", "3", asks=True)
    joined = world.ok("hospital-c", "join", world.carry(planned["plan"], "hospital-c"))
    assert joined["roster"]["version"] == 1
    assert "epsilon is 9.0 and was 6.0" in joined["changes"]
    assert "rounds is 3 and was 2" in joined["changes"]
