"""A study whose sum can be opened without some hospitals, typed as its people would: hospitals and
trustees.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from played_keyholders import HOSPITALS, KEYHOLDERS, TRUSTEES, answer, deliver, plain_vectors
from played_study import PASSPHRASE, Snapshots, World

from privxray.exchange.fixedpoint import dequantise
from privxray.exchange.intake import read_again
from privxray.formats.tensors import unpack
from privxray.keys import keyfile
from privxray.state import State
from privxray.workflow.common import load_plan
from privxray.workspace import Workspace


@pytest.fixture
def copy(snapshots: Snapshots, tmp_path: Path) -> Callable[[], World]:
    return lambda: World(Path(shutil.copytree(snapshots("keyholders-trained"), tmp_path / "world")))


def test_a_round_goes_on_without_a_hospital_and_without_a_keyholder(copy: Callable[[], World]) -> None:
    world = copy()
    came = HOSPITALS[:4]
    plain = plain_vectors(world, came)
    deliver(world, *came)
    waiting = world.type("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert waiting.code == 15
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
    short = world.type("coordinator", "aggregate", "shares/*.share", asks=True)
    assert short.code == 15
    assert "1 more of the share files of hospital-b, university" in short.err
    deliver(world, "hospital-e")  # too late: passed over, whatever comes
    answer(world, "university")
    done = world.ok("coordinator", "aggregate", "shares/*.share", "updates/hospital-e-0001.enc", asks=True)
    assert done["hospitals"] == 4
    assert any("hospital-e" in note and "too late" in note for note in done["notes"])
    assert done["plan"] is None
    assert done["lacking"] == ["hospital-b", "hospital-e"]

    workspace = Workspace.find(world["coordinator"])
    with State(workspace.state_path) as state:
        plan = load_plan(workspace, state.rounds()[-1])
    sums = dequantise(sum(plain.values()), plan.manifest, plan.modulus_bits)
    from privxray.learning import methods

    method = methods.get(plan.method)
    expected = method.combine(sums, 4, method.constants(plan.constants), plan.classes, {})
    model = unpack(read_again(Path(done["model"])).body())
    assert model.keys() == expected.keys()
    for name, tensor in expected.items():
        assert np.array_equal(model[name], tensor), name

    # The next round: fresh cards of the two that gave no next key; everybody else's came with their files.
    advice = world.ok("coordinator", "status")["next"]
    assert any("--continue" in line for line in advice)
    for party in ("hospital-b", "hospital-e"):
        world.ok(party, "card", "--study", "pneumonia", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "fresh")
    refused = world.type("coordinator", "plan", "--continue", asks=True)
    assert refused.code == 4
    assert "hospital-b, hospital-e" in refused.err
    following = world.ok("coordinator", "plan", "fresh/*.card", "--continue", asks=True)
    assert following["stage"] == 2
    assert following["roster"]["version"] == 1
    for party in (*HOSPITALS, *TRUSTEES):
        joined = world.ok(party, "accept", world.carry(following["plan"], party))
        assert joined["kind"] == "plan"
    model_again = world.type("notary", "accept", world.carry(done["model"], "notary"))
    assert model_again.code == 4


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
    from privxray.exchange.request import write_request
    from privxray.keys.identity import Identity

    workspace = Workspace.find(world["coordinator"])
    coordinator = Identity.from_secret(keyfile.unlock(workspace.identity_path.read_bytes(), PASSPHRASE))
    with State(workspace.state_path) as state:
        round_ = state.rounds()[-1]
        plan = load_plan(workspace, round_)
    envelopes = {}
    for party in HOSPITALS[:4]:
        received = read_again(world["coordinator"] / "updates" / f"{party}-0001.enc")
        envelopes[received.envelope.key_id] = received.path.read_bytes()[: received.envelope.length]
    evil = world["notary"] / "evil.request"
    made_at = {"created": "2026-01-02T03:04:05Z", "software": "privxray 0.1.0"}
    evil.write_bytes(write_request(envelopes, plan, round_.plan, coordinator, **made_at))
    second = world.type("notary", "unmask", evil, asks=True)
    assert second.code == 4
    assert "another request of this round was answered before" in second.err
    assert "call the data officers" in second.err
    small = dict(list(envelopes.items())[:2])
    evil.write_bytes(write_request(small, plan, round_.plan, coordinator, **made_at))
    for party in ("university", "hospital-b"):
        refused = world.type(party, "unmask", evil, asks=True)
        assert refused.code == 4
        assert "no fewer than 4" in refused.err
    stranger = world.type("hospital-c", "unmask", request, asks=True)
    assert stranger.code == 4
    assert "no keyholder" in stranger.err


FOUR = ("--keyholder", "hospital-a", "--keyholder", "hospital-b")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (FOUR[:2], "one that is missing stops the round"),
        ((*FOUR, "--threshold", "2"), "two different sums"),
        ((*FOUR, "--corrupt-keyholders", "0"), "no keyholder is corrupt"),
        ((*FOUR, "--minimum-cohort", "2"), "sum of 2 hospitals"),
        ((*FOUR, "--minimum-cohort", "3"), "could between them open the vector of a single one"),
        (("--keyholder", "hospital-x", *FOUR[2:]), "no hospital's card"),
    ],
)
def test_unsafe_committees_are_refused_with_the_reason(
    copy: Callable[[], World], options: tuple[str, ...], said: str
) -> None:
    world = copy()
    for party in (*HOSPITALS, *TRUSTEES):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "fresh")
    words = ("plan", "fresh/*.card", "--mode", "keyholders", "--replace", *options)
    result = world.type("coordinator", *words, asks=True)
    assert result.code in (2, 4), result.err
    assert said in result.err
