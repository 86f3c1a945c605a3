"""Commands that can't work now, in the wrong workspace, or with the wrong file: each ends in a way out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import played_keyholders  # noqa: F401 - its stages
import pytest
from played_study import At, World, typed

from privxray.cli.way_out import show_way_out
from privxray.errors import WorkspaceError

CARDS = "privxray plan cards/*.card"
CARRY_CARD = "carry hospital-a.card to the coordinator; when the plan comes: privxray join FILE"
COLLECT = f"Next here: collect the hospitals' cards in cards/, then type: {CARDS}"
AGGREGATE = "privxray aggregate updates/*.enc"
WAIT = f"collect the updates of hospital-a, hospital-b and hospital-c in updates/, then type: {AGGREGATE}"
OWN_CARD = "it is this workspace's own: carry it to the coordinator"
NO_STUDY = "When the coordinator's plan has come, type: privxray join plan-0001.plan"
INGEST = "Next here: privxray ingest FOLDER --labels labels.csv; then: privxray train"
IN_CARDS = "It lies in cards/: name it as cards/hospital-a.card"
ACCEPT = "privxray accept received/global-0001.model"
HOSPITAL, COORDINATOR = "hospital-a", "coordinator"


@pytest.mark.parametrize(
    ("stage", "party", "line", "code", "helps"),
    [
        # the wrong workspace
        ("initialised", HOSPITAL, "plan hospital-a.card", 10, CARRY_CARD),
        ("initialised", HOSPITAL, "aggregate updates/*.enc", 10, CARRY_CARD),
        ("initialised", HOSPITAL, "report study", 10, CARRY_CARD),
        ("initialised", COORDINATOR, "train", 10, COLLECT),
        ("initialised", COORDINATOR, "ingest x --labels y", 10, COLLECT),
        ("initialised", COORDINATOR, "join cards/hospital-a.card", 10, COLLECT),
        ("initialised", COORDINATOR, "card", 10, COLLECT),
        ("initialised", COORDINATOR, "withdraw", 10, COLLECT),
        ("initialised", COORDINATOR, "budget", 10, COLLECT),
        ("joined", COORDINATOR, "export-update", 10, WAIT),
        # too early, or too late
        ("initialised", HOSPITAL, "train", 10, NO_STUDY),
        ("initialised", HOSPITAL, "ingest source/images --labels source/labels.csv", 10, NO_STUDY),
        ("initialised", HOSPITAL, "evaluate", 10, NO_STUDY),
        ("initialised", HOSPITAL, "export-update", 10, NO_STUDY),
        ("initialised", HOSPITAL, "infer ask source/images", 10, "privxray infer ask IMAGE... --offer FILE"),
        ("initialised", HOSPITAL, "init --role hospital --name x", 4, "privxray status"),
        ("initialised", COORDINATOR, "aggregate updates/*.enc", 10, CARDS),
        ("initialised", COORDINATOR, "plan --continue", 10, CARDS),
        ("joined", HOSPITAL, "train", 10, "privxray ingest FOLDER --labels labels.csv"),
        ("joined", HOSPITAL, "export-update", 10, INGEST),
        ("joined", HOSPITAL, "predict source/images", 10, INGEST),
        ("joined", COORDINATOR, "aggregate updates/*.enc", 15, WAIT),
        ("joined", COORDINATOR, "plan --continue", 4, "privxray card"),
        ("exported", HOSPITAL, "train", 4, "privxray accept FILE"),
        ("aggregated", HOSPITAL, "verify received/global-0001.model", 4, ACCEPT),
        # a forgotten file, or one that is not there
        ("initialised", HOSPITAL, "join", 2, "Type: privxray join FILE"),
        ("initialised", COORDINATOR, "plan", 2, CARDS),
        ("initialised", COORDINATOR, "aggregate", 2, "Type: privxray aggregate FILES"),
        ("initialised", HOSPITAL, "join plan-0001.plan", 1, CARRY_CARD),
        ("initialised", COORDINATOR, "plan hospital-a.card", 1, IN_CARDS),
        ("initialised", COORDINATOR, "plan nowhere/*.card", 2, COLLECT),
        ("initialised", COORDINATOR, "plan cards", 11, COLLECT),
        ("initialised", COORDINATOR, "plan cards/hospital-a.card", 4, CARDS),
        # a file of another kind
        ("initialised", HOSPITAL, "join hospital-a.card", 11, OWN_CARD),
        ("initialised", HOSPITAL, "unmask hospital-a.card", 11, OWN_CARD),
        ("initialised", HOSPITAL, "infer read hospital-a.card", 11, OWN_CARD),
        ("joined", HOSPITAL, "unmask received/plan-0001.plan", 11, "nothing: it is followed here"),
        ("joined", COORDINATOR, "aggregate plan-0001.plan", 15, WAIT),
        ("exported", COORDINATOR, "plan updates/*.enc", 11, f"What to do with this file: {AGGREGATE}"),
        ("exported", COORDINATOR, "plan updates/*.enc --continue", 11, AGGREGATE),
        ("aggregated", HOSPITAL, "join received/global-0001.model", 11, ACCEPT),
        ("aggregated", HOSPITAL, "accept received/global-0001.proof", 11, "privxray accept MODEL"),
    ],
)  # fmt: skip
def test_it_ends_in_the_command_that_helps(
    stage: str, party: str, line: str, code: int, helps: str, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = at(stage)
    monkeypatch.chdir(world[party])
    monkeypatch.setenv("PRIVXRAY_PASSPHRASE_FILE", str(world.passphrase))
    ended = typed(line.split())
    assert ended.code == code, ended.err
    (said,) = ended.err.strip().splitlines()
    assert helps in said


def other_study(world: World) -> Path:
    """A plan of another study, which names hospital-a as well."""
    world["other"].mkdir()
    world.ok("other", "init", "--role", "coordinator", "--study", "asthma", "--name", "other", asks=True)
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "card", "--study", "asthma", asks=True)
        world.carry(world[party] / f"{party}.card", "other", "cards")
    return Path(world.ok("other", "plan", "cards/*.card", asks=True)["plan"])


@pytest.mark.parametrize("command", ["accept", "unmask"])
def test_a_file_of_another_study_names_its_own_command(command: str, at: At) -> None:
    world = at("joined")
    dropped = world.carry(other_study(world), "hospital-a", "incoming")
    os.chdir(world["hospital-a"])
    ended = typed([command, f"incoming/{dropped.name}"])
    assert ended.code != 0
    assert "hear its key words by phone, then type: privxray join incoming/plan-0001.plan" in ended.err
    assert ended.err.count("\n") == 1


def test_what_lies_in_the_drop_folder_is_suggested(at: At) -> None:
    world = at("joined-not")
    shutil.copy(world["coordinator"] / "plan-0001.plan", world["hospital-a"] / "incoming")
    os.chdir(world["hospital-a"])
    join = "privxray join incoming/plan-0001.plan"
    for line in ("join", "join plan.plan", "join plan-0001.plan", "accept", "train", "join hospital-a.card"):
        ended = typed(line.split())
        assert ended.code != 0
        assert join in ended.err or "It lies in incoming/: name it as incoming/plan-0001.plan" in ended.err, (
            line
        )
    os.chdir(world.root)
    assert f"privxray -C hospital-a {join[9:]}" in typed(["-C", "hospital-a", "join"]).err


def test_a_model_before_its_plan_names_what_comes_first(at: At) -> None:
    world = at("aggregated")
    world["stranger"].mkdir()
    world.ok("stranger", "init", "--role", "hospital", "--name", "stranger", asks=True)
    model = world.carry(world["coordinator"] / "models" / "global-0001.model", "stranger")
    ended = world.type("stranger", "accept", model, asks=True)
    assert ended.code == 4
    assert "when the plan of round 1 of pneumonia is here: privxray" in ended.err


def test_outside_of_a_workspace_and_after_damage_an_error_stays_as_it_is(tmp_path: Path, at: At) -> None:
    os.chdir(tmp_path)
    error = WorkspaceError("x", reason="workspace.none", advice="Go to one")
    show_way_out(error, ["train"], as_json=False)
    assert error.advice == "Go to one"
    world = at("joined")
    os.chdir(world["hospital-a"])
    (world["hospital-a"] / "state.db").write_bytes(b"no database")
    show_way_out(error, ["train"], as_json=False)
    assert error.advice == "Go to one"
