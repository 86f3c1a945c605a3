"""A coordinator that lies, through the hospitals' real workspaces: what is refused, or what is seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from played_study import HOSPITALS, Snapshots, World, identity_in
from simulator import looks_random, low_words

from privxray.exchange.commitments.scalars import Scalars, add_into, read_scalars
from privxray.exchange.intake import read_again
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.update import UpdateHeader, open_update
from privxray.formats.container import seal_header
from privxray.formats.tensors import total_size
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import state_mask_key
from privxray.keys.roster import Roster
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.hospital.training_results import trained_vector
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking
from privxray.workspace.state import State


@pytest.fixture
def copy(snapshots: Snapshots, tmp_path: Path) -> Callable[[], World]:
    return lambda: World(Path(shutil.copytree(snapshots("trained"), tmp_path / "world")))


def plan_of(world: World) -> tuple[PlanHeader, str]:
    received = read_again(world["coordinator"] / "plan-0001.plan")
    return received.envelope.claim(PlanHeader), received.envelope.digest


def signed(world: World, plan: PlanHeader, name: str = "evil.plan") -> Path:
    coordinator = identity_in(world["coordinator"])
    path = world.root / name
    path.write_bytes(seal_header(plan, coordinator.signing, coordinator.public().fingerprint))
    return path


def opened(world: World, update: Path) -> Scalars:
    """What the coordinator sees in one update."""
    received = read_again(update)
    header = received.envelope.claim(UpdateHeader)
    plan, _ = plan_of(world)
    pieces = open_update(header, received.pieces(), identity_in(world["coordinator"]))
    return read_scalars(pieces, total_size(plan.manifest) + 1)


def added(vectors: Iterable[Scalars]) -> Scalars:
    first, *others = vectors
    total = list(first)
    for one in others:
        add_into(total, one)
    return total


def test_a_second_plan_for_the_same_round_is_refused(copy: Callable[[], World]) -> None:
    world = copy()
    plan, plan_hash = plan_of(world)
    for change in ({"epsilon": 9.0}, {"round": 2}, {"round": 2, "previous": plan_hash, "epsilon": 9.0}):
        other = signed(world, plan.model_copy(update=change))
        result = world.type("hospital-a", "join", other, "--key-words", world.key_words())
        assert result.code == 4, result.err


def test_a_plan_with_its_own_mask_key_for_a_hospital_is_refused(copy: Callable[[], World]) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    world = copy()
    plan, plan_hash = plan_of(world)
    attacker = Identity.generate()
    forged = state_mask_key(X25519PrivateKey.generate(), None, 2, attacker.signing)
    victim, *others = plan.roster.members
    roster = Roster(version=1, members=(victim.model_copy(update={"mask": forged}), *others))
    evil = signed(world, plan.model_copy(update={"round": 2, "previous": plan_hash, "roster": roster}))
    result = world.type("hospital-b", "join", evil, "--key-words", world.key_words())
    assert result.code == 13
    assert "not signed by its owner" in result.err


def test_a_roster_of_made_up_hospitals_has_other_key_words(copy: Callable[[], World]) -> None:
    """Sybils: the coordinator replaces two hospitals by its own. The words that people compare differ."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    world = copy()
    plan, plan_hash = plan_of(world)
    world.ok("hospital-a", "card", asks=True)
    fresh = read_again(world["hospital-a"] / "hospital-a.card")
    from privxray.keys.card import read_card
    from privxray.keys.size_statement import SizeStatement

    victim = read_card(fresh.envelope).member(plan.form)
    sybils = []
    for member in plan.roster.members[1:]:
        identity = Identity.generate()
        mask = state_mask_key(X25519PrivateKey.generate(), None, 1, identity.signing)
        size = SizeStatement.sign(1000, None, identity.signing)
        sybils.append(member.model_copy(update={"keys": identity.public(), "mask": mask, "size": size}))
    roster = Roster(version=2, members=(victim, *sybils))
    evil_plan = plan.model_copy(update={"round": 2, "previous": plan_hash, "roster": roster})
    assert roster.key_words("pneumonia", plan.coordinator) != world.key_words()
    evil = signed(world, evil_plan)
    result = world.type("hospital-a", "join", evil, "--key-words", world.key_words())
    assert result.code == 13
    assert "hospital-b has new keys" in result.err


def test_two_hospitals_in_one_name_of_the_coordinator_are_refused(copy: Callable[[], World]) -> None:
    world = copy()
    plan, plan_hash = plan_of(world)
    two = Roster(version=2, members=plan.roster.members[:2])
    evil = signed(world, plan.model_copy(update={"round": 2, "previous": plan_hash, "roster": two}))
    result = world.type("hospital-a", "join", evil, "--key-words", world.key_words())
    assert result.code == 4
    assert "at least 3" in result.err


def test_any_sum_that_lacks_one_hospital_is_uniformly_random(copy: Callable[[], World]) -> None:
    """The updates as they really leave: opened one by one and in pairs by the coordinator's own key."""
    world = copy()
    plain = []
    for party in HOSPITALS:
        workspace = Workspace.find(world[party])
        with looking(workspace) as session:
            round_ = session.state.rounds()[-1]
            plan = load_plan(workspace, round_)
            plain.append(quantise(trained_vector(session, round_), plan.manifest, plan.modulus_bits))
        world.ok(party, "export-update", asks=True)
    seen = [opened(world, world[party] / "updates" / f"{party}-pneumonia-0001.enc") for party in HOSPITALS]
    for one in seen:
        assert looks_random(low_words(one))
    for left_out in range(3):
        partial = added(vector for place, vector in enumerate(seen) if place != left_out)
        assert looks_random(low_words(partial))
    assert np.array_equal(low_words(added(seen)), sum(plain))  # bit for bit, when complete
    assert not looks_random(plain[0]), "the plain vector must not pass for random, or the test is blind"


def test_mask_keys_and_results_of_an_exported_round_are_gone(copy: Callable[[], World]) -> None:
    world = copy()
    workspace = Workspace.find(world["hospital-a"])
    with State(workspace.state_path) as state:
        before = state.rounds()[-1]
        sealed = next(key.sealed for key in state.mask_keys.all() if key.plan == before.plan)
    assert before.vector_key is not None
    assert sealed is not None
    world.ok("hospital-a", "export-update", asks=True)
    data = workspace.state_path.read_bytes()
    assert before.vector_key not in data
    assert sealed not in data
    # For a repetition the vector stays until the study goes on: its key is under the passphrase.
    with State(workspace.state_path) as state:
        kept = state.kept_vector("pneumonia", 1)
    assert kept is not None
    assert before.vector_key not in kept
    leftovers = [p for p in workspace.root.iterdir() if p.name.startswith("state.db-")]
    assert not leftovers


def test_a_member_cannot_block_the_next_round_with_a_used_mask_key(copy: Callable[[], World]) -> None:
    """Its update names its own old key again, under a higher number: refused by name at once."""
    world = copy()
    identity = identity_in(world["hospital-a"])
    for party in HOSPITALS:
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")
    path = world["coordinator"] / "updates" / "hospital-a-pneumonia-0001.enc"
    received = read_again(path)
    header = received.envelope.claim(UpdateHeader)
    plan, _ = plan_of(world)
    old = next(m.mask for m in plan.roster.members if m.name == "hospital-a")
    unsigned_again = old.model_copy(update={"number": 2})
    from privxray.formats import canonical

    again = unsigned_again.model_copy(
        update={"signature": canonical.to_base64(identity.signing.sign(unsigned_again.signed_bytes()))}
    )
    forged = header.model_copy(update={"next_mask": again})
    path.write_bytes(seal_header(forged, identity.signing, header.sender) + received.body())
    result = world.type("coordinator", "aggregate", "updates/*.enc", asks=True)
    assert result.code == 15
    assert "hospital-a" in result.err
    assert "used before" in result.err
