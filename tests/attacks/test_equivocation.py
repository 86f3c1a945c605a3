"""A coordinator that shows its hospitals different plans or models, through real workspaces: who notices,
and at which file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from forged_files import reason_of
from played_study import HOSPITALS, PASSPHRASE, Snapshots, World, identity_in

from privxray.exchange.intake import read_again
from privxray.exchange.messages.heads import Seen, Since
from privxray.exchange.messages.model import ModelHeader, write_model
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.update import UpdateHeader
from privxray.formats.container import seal_header, split
from privxray.formats.header import Stamp
from privxray.formats.tensors import unpack
from privxray.keys.roster import Roster
from privxray.workflow.common.planned_round import planned_round
from privxray.workflow.coordinator.planning.past_files import Past
from privxray.workflow.hospital.taking_in.accept import accept
from privxray.workflow.hospital.taking_in.seen_files import expect_later_plan_brings, expect_own_model
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

MODEL = "received/global-0001.model"


@pytest.fixture
def copy(snapshots: Snapshots, tmp_path: Path) -> Callable[[], World]:
    return lambda: World(Path(shutil.copytree(snapshots("aggregated"), tmp_path / "world")))


class Coordinator:
    """One that signs what it likes, after a first round that was played honestly."""

    def __init__(self, world: World) -> None:
        self.world, self.identity = world, identity_in(world["coordinator"])
        self.first = SignedPlan.claimed(read_again(world["coordinator"] / "plan-0001.plan").envelope)
        self.model = read_again(world["coordinator"] / "models" / "global-0001.model").envelope.digest
        files = sorted((world["coordinator"] / "updates").glob("*.enc"))
        self.updates = [read_again(file).envelope.claim(UpdateHeader) for file in files]

    def second_model(self) -> Path:
        """The same numbers and proof, signed once more: another file."""
        kept = read_again(self.world["coordinator"] / "models" / "global-0001.model")
        stamp = Stamp(created="2026-01-02T03:04:05Z", software="privxray 0.1.0")
        proof = kept.envelope.claim(ModelHeader).proof
        path = self.world.root / "other" / "global-0001.model"
        path.parent.mkdir()
        path.write_bytes(write_model(unpack(kept.body()), self.first, self.identity, stamp, proof=proof))
        shutil.copy(self.world["coordinator"] / "models" / "global-0001.proof", path.parent)
        return path

    def plan(self, before: SignedPlan, **changes: Any) -> PlanHeader:
        """The study begun anew after a plan, with the next mask keys; ``head`` follows ``since``."""
        masks = {one.sender: one.next_mask for one in self.updates}
        roster = before.plan.roster
        if before is self.first:
            members = [m.model_copy(update={"mask": masks[m.keys.fingerprint]}) for m in roster.members]
            roster = Roster(version=roster.version, members=tuple(members))
        since = changes.pop("since", Since(request=None, result=self.model))
        past = Past(before, since, [m.keys.fingerprint for m in roster.members])
        fields = past.fields(before.plan.features) | changes
        place = {"round": before.plan.round + 1, "previous": before.digest, "roster": roster}
        return before.plan.model_copy(update=place | fields)

    def sign(self, plan: PlanHeader) -> tuple[SignedPlan, Path]:
        data = seal_header(plan, self.identity.signing, plan.sender)
        signed = SignedPlan.claimed(split(data))
        path = self.world.root / f"{signed.digest[:8]}.plan"
        path.write_bytes(data)
        return signed, path


def joined(world: World, party: str, plan: Path) -> str:
    """How a party follows a plan: ``ok``, or the reason why it does not."""
    told = world.type(party, "join", plan, "--key-words", world.key_words(), "--json")
    return "ok" if told.code == 0 else str(told.json["error"]["reason"])


def accepted(world: World, party: str, model: Path) -> str | None:
    """Have a hospital take a model in, without the scores that the command adds; its words."""
    workspace = Workspace.find(world[party])
    return accept(workspace, model, lambda *_: "", lambda: PASSPHRASE).last_words


def test_different_models_are_noticed_at_the_next_plan(copy: Callable[[], World]) -> None:
    world = copy()
    coordinator = Coordinator(world)
    other = coordinator.second_model()
    words = accepted(world, "hospital-a", world["hospital-a"] / MODEL)
    assert accepted(world, "hospital-b", other) == words  # the same numbers and proof
    _, plan = coordinator.sign(coordinator.plan(coordinator.first))
    assert joined(world, "hospital-a", plan) == "ok"
    assert joined(world, "hospital-b", plan) == "heads.other-result"
    # hospital-c follows the plan first: then it takes in that model and no other.
    assert joined(world, "hospital-c", plan) == "ok"
    assert world.refused("hospital-c", "accept", other, asks=True) == "model.not-in-later-plan"
    assert accepted(world, "hospital-c", world["hospital-c"] / MODEL) == words


def test_a_hidden_model_is_noticed_at_the_next_plan(copy: Callable[[], World]) -> None:
    world = copy()
    coordinator = Coordinator(world)
    accepted(world, "hospital-a", world["hospital-a"] / MODEL)
    nothing = Since(request=None, result=None)
    _, plan = coordinator.sign(coordinator.plan(coordinator.first, since=nothing, heads=()))
    assert joined(world, "hospital-a", plan) == "heads.other-result"
    # "I have forgotten it" is allowed, for it may be a restored backup; everybody reads it.
    _, plan = coordinator.sign(coordinator.plan(coordinator.first, since=None, heads=()))
    told = world.type("hospital-a", "join", plan, "--key-words", world.key_words())
    assert told.code == 0
    shown = " ".join((told.out + told.err).split())
    assert "the coordinator does not know what was signed in the round before" in shown


def test_different_plans_are_noticed_one_carry_later(copy: Callable[[], World]) -> None:
    """hospital-a and hospital-b follow different plans of round 2. Each of the four third plans that a
    coordinator can then sign is refused by one of them, whatever it echoes."""
    world = copy()
    coordinator = Coordinator(world)
    for_a, file_a = coordinator.sign(coordinator.plan(coordinator.first))
    for_b, file_b = coordinator.sign(coordinator.plan(coordinator.first, epsilon=5.5))
    assert joined(world, "hospital-a", file_a) == "ok"
    assert joined(world, "hospital-b", file_b) == "ok"
    nothing = Since(request=None, result=None)
    a, b, c = (m.keys.fingerprint for m in coordinator.first.plan.roster.members)

    def third(before: SignedPlan, **heads: str) -> Path:
        seen = tuple(
            Seen(party=one, head=heads[name]) for one, name in sorted([(a, "a"), (b, "b"), (c, "c")])
        )
        return coordinator.sign(coordinator.plan(before, since=nothing, heads=seen))[1]

    saw_a, saw_b = for_a.head_after, for_b.head_after
    true = third(for_a, a=saw_a, b=saw_b, c=saw_a)
    told = world.type("hospital-a", "join", true, "--key-words", world.key_words(), "--json")
    assert told.json["error"]["reason"] == "heads.other-files"
    assert told.json["error"]["what"].startswith("hospital-b has seen other files")
    assert joined(world, "hospital-b", true) == "plan.other-predecessor"
    # The coordinator lies to hospital-a about hospital-b: whoever is lied about notices, with its own file.
    lie = third(for_a, a=saw_a, b=saw_a, c=saw_a)
    assert joined(world, "hospital-b", lie) == "plan.other-predecessor"
    lie = third(for_b, a=saw_b, b=saw_a, c=saw_b)
    assert joined(world, "hospital-b", lie) == "heads.own-falsified"
    # Each in a world of its own: they never share a sum again, and their words differ by phone.
    words = {
        party: world.ok(party, "verify", file)["words"]
        for party, file in (("hospital-a", file_a), ("hospital-b", file_b))
    }
    assert words["hospital-a"] != words["hospital-b"]
    assert world.refused("hospital-a", "verify", file_b) == "verify.not-taken-in"


def test_a_falsified_echo_is_noticed_by_its_hospital(copy: Callable[[], World]) -> None:
    """All follow one plan, and the next says that hospital-b had seen something else."""
    world = copy()
    coordinator = Coordinator(world)
    honest = coordinator.plan(coordinator.first)
    assert honest.heads is not None
    (b,) = (m.keys.fingerprint for m in coordinator.first.plan.roster.members if m.name == "hospital-b")
    heads = tuple(Seen(party=one.party, head="ab" * 32) if one.party == b else one for one in honest.heads)
    _, plan = coordinator.sign(coordinator.plan(coordinator.first, heads=heads))
    assert joined(world, "hospital-b", plan) == "heads.own-falsified"
    assert {joined(world, party, plan) for party in HOSPITALS if party != "hospital-b"} == {
        "heads.other-files"
    }


def test_a_last_model_is_compared_by_phone(copy: Callable[[], World]) -> None:
    world = copy()
    said = world.type("hospital-a", "accept", MODEL, asks=True)
    told = [world.ok(party, "verify", MODEL.replace(".model", ".proof"), asks=True) for party in HOSPITALS]
    (words,) = {one["words"] for one in told}
    assert len(words.split()) == 12
    assert words in said.err
    assert "The study ends with it" in said.err


def test_a_plan_brings_the_model_that_was_accepted(snapshots: Snapshots) -> None:
    """Whoever has the model of a round trains on no other one, and takes no other one in where a later plan
    is followed. Looked at in a study that evaluates its model, as if it trained on."""
    with looking(Workspace.find(snapshots("evaluating") / "hospital-a")) as session:
        trained, evaluating = (
            planned_round(session.workspace, one) for one in session.state.rounds("pneumonia")[-2:]
        )
        plan, model = evaluating.plan, trained.round.model
        assert (trained.round.task, evaluating.round.task, plan.model) == ("train", "evaluate", model)
        assert model is not None
        other = "ab" * 32
        body = plan.body.model_copy(update={"sha256": other})
        # The plan as one that trains on: the next place of a training of two rounds.
        longer = tuple(
            one.model_copy(update={"stages": 2}) if one.task == "train" else one for one in plan.its_schedule
        )
        train = {"task": "train", "stage": 2, "stages": 2, "schedule": longer, "model": None}
        before = trained.plan.model_copy(update={"stages": 2, "schedule": longer})
        trained_in_two = replace(trained, signed=replace(trained.signed, plan=before))
        elsewhere = {"sender": other}  # of a new coordinator a person is told instead
        cases: tuple[tuple[dict[str, Any], str | None], ...] = (
            ({}, None),
            (train, None),
            (train | {"body": body}, "plan.other-trained-model"),
            (train | {"body": body} | elsewhere, None),
        )
        for changes, reason in cases:
            forged = plan.model_copy(update=changes)
            assert (
                reason_of(lambda forged=forged: expect_own_model(session, forged, trained_in_two)) == reason
            )
        last = "model.not-what-later-plan-brings"
        for digest, tensors, reason in (
            (model, plan.body.sha256, None),
            (model, other, last),
            (other, plan.body.sha256, last),
        ):
            brings = (session, trained, digest, tensors)
            assert reason_of(lambda brings=brings: expect_later_plan_brings(*brings)) == reason
