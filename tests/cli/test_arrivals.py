"""Files that came: ``status`` and ``status --watch`` say what each is, whose, and what to type."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import played_keyholders  # noqa: F401 - its stages
import pytest
from played_study import HOSPITALS, PATIENT, At, Snapshots, World, copy_world, typed

posix = pytest.mark.skipif(os.name == "nt", reason="needs signals")


def drop(world: World, party: str, file: Path | str, name: str = "") -> Path:
    """Put a file into a party's drop folder."""
    target = world[party] / "incoming" / (name or Path(file).name)
    return Path(shutil.copy(file, target))


def came(world: World, party: str) -> list[dict[str, Any]]:
    return list(world.ok(party, "status")["unread"])


@pytest.fixture
def keyholders(snapshots: Snapshots, tmp_path: Path) -> World:
    return World(copy_world(snapshots("keyholders-requested"), tmp_path / "world"))


UPDATE = "updates/hospital-b-pneumonia-0001.enc"
FOR_COORDINATOR = "{} is for the coordinator: carry it there"
ACCEPT = "privxray accept incoming/global-0001.model"
ANSWER = "privxray infer answer incoming/clinic-0001.query"
NOT_OURS = "it is for the owner of another model: carry it there"
NEW_PLAN = "hear its key words by phone, then type: privxray join incoming/plan-0001.plan"


@pytest.mark.parametrize(
    ("stage", "maker", "file", "party", "todo"),
    [
        ("joined-not", "coordinator", "plan-0001.plan", "hospital-a", NEW_PLAN),
        ("joined", "coordinator", "cards/hospital-a.card", "hospital-b", FOR_COORDINATOR.format("a card")),
        ("unaccepted", "coordinator", "models/global-0001.model", "hospital-a", ACCEPT),
        ("exported", "hospital-b", UPDATE, "hospital-a", FOR_COORDINATOR.format("an update")),
        ("joined", "hospital-a", "hospital-a.card", "hospital-a", None),  # its own
        ("joined", "coordinator", "plan-0001.plan", "hospital-a", None),  # followed
        ("aggregated", "hospital-b", UPDATE, "coordinator", None),  # summed
        ("initialised", "hospital-a", "hospital-a.card", "coordinator", "privxray plan incoming/*.card"),
        ("asked", "clinic", "queries/clinic-0001.query", "coordinator", ANSWER),
        ("asked", "clinic", "queries/clinic-0001.query", "hospital-a", NOT_OURS),
    ],
)  # fmt: skip
def test_each_file_names_the_command_that_takes_it(
    stage: str, maker: str, file: str, party: str, todo: str | None, at: At
) -> None:
    world = at(stage)
    made = world[maker] / file
    if maker == "hospital-b" and not made.exists():
        made = world["coordinator"] / file
    drop(world, party, made)
    found = [one for one in came(world, party) if one["file"].startswith("incoming/")]
    assert [one["todo"] for one in found] == ([] if todo is None else [todo])
    for one in found:
        assert one["verified"] is (one["signature"].startswith("good"))
        assert todo in world.ok(party, "status")["next"]


def test_a_model_whose_plan_is_not_followed_waits_for_it(at: At) -> None:
    world = at("aggregated")
    stranger = world["stranger"]
    stranger.mkdir()
    world.ok("stranger", "init", "--role", "hospital", "--name", "stranger", asks=True)
    drop(world, "stranger", world["coordinator"] / "models" / "global-0001.model")
    drop(world, "stranger", world["coordinator"] / "plan-0001.plan")
    model, plan = came(world, "stranger")
    assert model["todo"] == (
        "its plan is not followed here; when the plan of round 1 of pneumonia is here: privxray join FILE"
    )
    assert (model["verified"], model["signature"][:11]) == (False, "not checked")
    assert "carry a card to the coordinator" in plan["todo"]


def test_files_of_keyholders_name_their_commands(keyholders: World) -> None:
    world = keyholders
    drop(world, "notary", world["coordinator"] / "round-0001.request")
    assert [one["todo"] for one in came(world, "notary")] == ["privxray unmask incoming/round-0001.request"]
    world.ok("notary", "unmask", "incoming/round-0001.request", asks=True)
    assert came(world, "notary") == []
    drop(world, "coordinator", world["notary"] / "notary-pneumonia-0001.share")
    shares = [one for one in came(world, "coordinator") if one["kind"] == "share"]
    assert [(one["from"], one["todo"]) for one in shares] == [
        ("notary", "privxray aggregate incoming/*.share")
    ]
    assert "notary has answered" in world.ok("coordinator", "status")["next"][0]


def test_updates_in_the_drop_folder_count_and_are_summed_from_there(at: At) -> None:
    world = at("exported")
    update = world["coordinator"] / UPDATE
    drop(world, "coordinator", update)
    update.unlink()
    told = world.ok("coordinator", "status")
    assert told["next"][0] == (
        "all updates are in updates/ and incoming/; type: privxray aggregate updates/*.enc incoming/*.enc"
    )
    drop(
        world, "coordinator", world["coordinator"] / "updates/hospital-a-pneumonia-0001.enc", "x.enc"
    ).write_bytes(b"?")
    unfit = world.ok("coordinator", "status")["next"][0]
    assert unfit.startswith("take x.enc out of incoming/")
    (world["coordinator"] / "incoming" / "x.enc").unlink()
    assert world.ok("coordinator", *shlex.split(told["next"][0].partition("type: privxray ")[2]), asks=True)


def test_the_next_plan_is_accepted_and_one_that_skips_a_round_waits(at: At) -> None:
    world = at("joined")
    plans = [world["coordinator"] / "plan-0001.plan"]
    for _ in range(2):
        for party in HOSPITALS:
            world.ok(party, "card", "--study", "pneumonia", asks=True)
            world.carry(world[party] / f"{party}.card", "coordinator", "cards")
        plans.append(Path(world.ok("coordinator", "plan", "cards/*.card", "--continue", asks=True)["plan"]))
    drop(world, "hospital-a", plans[2])
    (third,) = came(world, "hospital-a")
    assert third["todo"] == (
        "here pneumonia is in round 1, so the plan of round 2 comes first; when it is here: privxray accept "
        "FILE"
    )
    drop(world, "hospital-a", plans[1])
    assert world.ok("hospital-a", "status")["next"][0] == "privxray accept incoming/plan-0002.plan"
    world.ok("hospital-a", "accept", "incoming/plan-0002.plan")
    assert [one["todo"] for one in came(world, "hospital-a")] == ["privxray accept incoming/plan-0003.plan"]
    world.ok("hospital-a", "accept", "incoming/plan-0003.plan")
    assert came(world, "hospital-a") == []


def test_files_that_are_not_good_are_told_by_no_telling_name(at: At) -> None:
    world = at("joined-not")
    whole = (world["coordinator"] / "plan-0001.plan").read_bytes()
    incoming = world["hospital-a"] / "incoming"
    (incoming / f"{PATIENT}.plan").write_bytes(b"nothing")
    (incoming / f"{PATIENT}-2.plan").write_bytes(whole)
    (incoming / "z.plan").write_bytes(whole.replace(b'"sig":"', b'"sig":"A', 1))
    (incoming / "y.plan").write_bytes(whole[:500])
    (incoming / "x.plan").write_bytes(whole + b"x")
    shown = world.type("hospital-a", "status")
    assert PATIENT not in shown.out + shown.err
    listed = came(world, "hospital-a")
    assert len(listed) == 5
    assert PATIENT not in json.dumps(listed)
    found = {one["file"]: one for one in listed}
    assert found["incoming/x.plan"]["signature"].startswith("bad: it is longer than it says")
    assert found["incoming/x.plan"]["todo"] == "ask its sender for the file again"
    assert found["incoming/y.plan"]["kind"] is None
    named = [one for one in listed if one["kind"] == "plan" and one["verified"]]
    assert [one["todo"] for one in named] == ["hear its key words by phone, then type: privxray join FILE"]


def test_no_body_is_read(at: At) -> None:
    world = at("exported")
    update = world["coordinator"] / UPDATE
    data = bytearray(update.read_bytes())
    data[-1] ^= 1  # nobody who has not read the body knows
    target = world["coordinator"] / "incoming" / update.name
    target.write_bytes(data)
    update.unlink()
    (seen,) = [one for one in came(world, "coordinator") if one["file"].startswith("incoming/")]
    assert seen["verified"]
    assert seen["signature"] == "good, by hospital-b"


# --watch


def lines_of(result: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.splitlines()]


def test_a_gateway_is_told_what_came_and_what_to_type(at: At) -> None:
    world = at("joined-not")
    folder = world.root / "gateway"
    folder.mkdir()
    shutil.copy(world["coordinator"] / "plan-0001.plan", folder)
    (folder / "half.plan.part").write_bytes(b"PRIVX")
    (folder / f"{PATIENT}.dcm").write_bytes(b"no file that travels")
    words = ["-C", str(world["hospital-a"]), "status", "--watch", str(folder), "--once"]
    (seen,) = lines_of(typed([*words, "--json"]).out)
    assert (seen["file"], seen["kind"], seen["study"], seen["from"]) == (
        "plan-0001.plan", "plan", "pneumonia", "coordinator"
    )  # fmt: skip
    assert seen["todo"].endswith(f"privxray join {folder / 'plan-0001.plan'}")
    os.chdir(world.root)
    shown = typed(["-C", "hospital-a", "status", "--watch", "../gateway", "--once"])
    assert shown.out.startswith(
        "plan-0001.plan: a plan of pneumonia, round 1, from coordinator; signature good"
    )
    assert f"privxray -C hospital-a join {folder / 'plan-0001.plan'}" in shown.out
    assert shown.out.count("\n") == 1
    assert PATIENT not in shown.out + shown.err
    outside = typed(["status", "--watch", "gateway", "--once", "--json"])
    assert [one["todo"] for one in lines_of(outside.out)] == [
        "hear its key words by phone, then type: privxray join FILE"
    ]


def test_nothing_is_changed_by_watching(at: At) -> None:
    world = at("exported")
    before = {path: path.stat().st_mtime_ns for path in world["coordinator"].rglob("*") if path.is_file()}
    words = ["-C", str(world["coordinator"]), "status", "--watch", "updates", "--once", "--json"]
    assert [one["from"] for one in lines_of(typed(words).out)] == list(HOSPITALS)
    after = {path: path.stat().st_mtime_ns for path in world["coordinator"].rglob("*") if path.is_file()}
    assert {path.name for path in after if before.get(path) != after[path]} <= {"state.db"}


def test_slips_of_watching_are_told(at: At) -> None:
    world = at("initialised")
    assert world.refused("hospital-a", "status", "--once") == "status.once-alone"
    assert world.refused("hospital-a", "status", "--watch", "nowhere", "--once") == "status.no-folder"


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_it_stays_tells_of_what_comes_and_ends_without_a_trace(name: str, at: At) -> None:
    world, how = at("joined-not"), signal.Signals[name]  # Windows has no SIGKILL to name
    folder = world.root / "gateway"
    folder.mkdir()
    command = [sys.executable, "-m", "privxray", "status", "--watch", str(folder), "--json"]
    state = (world["hospital-a"] / "state.db").read_bytes()
    with subprocess.Popen(
        command, cwd=world["hospital-a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stderr.readline().startswith("Watching ")
        part = folder / "plan-0001.plan.part"
        shutil.copy(world["coordinator"] / "plan-0001.plan", part)
        time.sleep(0.1)
        part.rename(folder / "plan-0001.plan")
        assert json.loads(child.stdout.readline())["kind"] == "plan"
        child.send_signal(how)
        out, err = child.communicate(timeout=300)
        assert (child.returncode, out, err) == (0 if how == signal.SIGINT else -how, "", "")
    assert sorted(path.name for path in folder.iterdir()) == ["plan-0001.plan"]
    assert (world["hospital-a"] / "state.db").read_bytes() == state
