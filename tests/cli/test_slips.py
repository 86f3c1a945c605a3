"""Slips at the keyboard, typed as people make them: each is refused, remembered or told.

Where a slip belongs to one command alone, its test stands with that command.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from played_study import HOSPITALS, PASSPHRASE, At, Snapshots, World, copy_world, typed

# A folder that is not there


@pytest.mark.parametrize(
    "words",
    [("export-update",), ("unmask", "a.request"), ("infer", "ask", "a.png"), ("infer", "answer", "q")],
)
def test_a_folder_of_to_that_is_not_there_is_not_made(words: tuple[str, ...], at: At) -> None:
    world = at("trained")
    slip = world.root / "stikc"
    assert world.refused("hospital-a", *words, "--to", slip) == "output.no-such-folder"
    assert not slip.exists()
    assert world.ok("hospital-a", "status")["rounds"][0]["state"] == "trained"


def test_the_same_bytes_are_said_only_where_bytes_were_written(at: At) -> None:
    world = at("exported")
    stick = world.root / "stick"
    stick.mkdir()
    here = world.type("hospital-a", "export-update", asks=True)
    assert "is here already" in here.err
    assert "Wrote" not in here.err
    there = world.type("hospital-a", "export-update", "--to", stick, asks=True)
    assert "Wrote" in there.err
    assert "the same as before" in there.err
    assert world.ok("hospital-a", "export-update", "--to", stick, asks=True)["written"] is False


def test_the_update_is_carried_from_where_it_was_written(at: At) -> None:
    world = at("trained")
    (world.root / "stick").mkdir()
    os.chdir(world.root)
    line = ["-C", "hospital-a", "export-update", "--to", "../stick"]
    closing = typed([*line, "--passphrase-file", str(world.passphrase)]).err.splitlines()[-1]
    assert closing.startswith("Next: carry stick/hospital-a-pneumonia-0001.enc to the coordinator")


def test_terms_that_are_typed_for_an_open_plan_are_compared_even_if_they_are_the_defaults(at: At) -> None:
    world = at("initialised")
    world.ok("coordinator", "plan", "cards/*.card", "--epsilon", "5", asks=True)
    again = ("plan", "cards/*.card")
    assert world.refused("coordinator", *again, "--epsilon", "6", asks=True) == "plan.other-terms"
    refused = world.type("coordinator", *again, "--epsilon", "6", asks=True)
    assert "ask every party for a fresh card (privxray card)" in refused.err
    assert "--replace" in refused.err
    assert world.ok("coordinator", *again, asks=True)["terms"]["epsilon"] == 5
    assert world.ok("coordinator", *again, "--epsilon", "5", asks=True)["terms"]["epsilon"] == 5


# Two studies in one workspace


@pytest.fixture
def two_studies(snapshots: Snapshots, tmp_path: Path) -> World:
    """Hospitals that have exported in the study pneumonia, and then joined another one, asthma."""
    world = World(copy_world(snapshots("exported"), tmp_path / "world"))
    world["other"].mkdir()
    world.ok("other", "init", "--role", "coordinator", "--study", "asthma", "--name", "other", asks=True)
    (world["other"] / "cards").mkdir()
    for party in HOSPITALS:
        world.ok(party, "card", "--study", "asthma", asks=True)
        world.carry(world[party] / f"{party}.card", "other", "cards")
    planned = world.ok("other", "plan", "cards/*.card", "--epsilon", "2", asks=True)
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
        labels = ("--labels", "source/labels.csv", "--study", "asthma")
        world.ok(party, "ingest", "source/images", *labels)
    return world


def test_the_study_that_alone_is_fit_is_meant_and_files_name_their_study(two_studies: World) -> None:
    world = two_studies
    assert world.ok("hospital-b", "train")["study"] == "asthma"  # pneumonia is exported
    exported = world.ok("hospital-b", "export-update", asks=True)
    assert exported["study"] == "asthma"
    first = world["hospital-b"] / "updates" / "hospital-b-pneumonia-0001.enc"
    assert Path(exported["update"]).name == "hospital-b-asthma-0001.enc"
    assert first.exists()
    assert world.refused("hospital-b", "export-update", asks=True) == "study.several"  # again, of which?
    again = world.ok("hospital-b", "export-update", "--study", "pneumonia", "--force", asks=True)
    assert Path(again["update"]) == first
    assert world.refused("hospital-b", "evaluate") == "study.several"  # of neither there is a model
    model = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    world.ok("hospital-b", "accept", world.carry(model, "hospital-b"), asks=True)
    assert "round 1" in world.ok("hospital-b", "evaluate")["model"]


def test_the_model_that_is_offered_is_the_one_that_was_signed_last(two_studies: World) -> None:
    from privxray.workflow.inference.global_model import find_model
    from privxray.workspace.folder import Workspace
    from privxray.workspace.session import looking

    world = two_studies
    for party in HOSPITALS:
        world.ok(party, "train", "--study", "asthma")
        world.carry(world.ok(party, "export-update", asks=True)["update"], "other", "updates")
    asthma = world.ok("other", "aggregate", "updates/*.enc", asks=True)["model"]
    pneumonia = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    for model in (pneumonia, asthma):
        world.carry(model, "hospital-a", Path(model).parts[-3])
    for folder in ("coordinator", "other"):
        world.ok("hospital-a", "accept", f"{folder}/global-0001.model", asks=True)
    with looking(Workspace.find(world["hospital-a"])) as session:
        found = {s: find_model(session.workspace, session.state, session.state.rounds(s)[-1].model)
                 for s in ("asthma", "pneumonia")}  # fmt: skip
        newest = max(found.values(), key=lambda one: one.header.created)
        assert find_model(session.workspace, session.state, None).header.created == newest.header.created


# What is typed next works from where one stands


def test_paths_and_commands_of_the_closing_line_work_from_where_one_stands(at: At) -> None:
    world = at("exported")
    os.chdir(world.root)
    words = ["-C", "coordinator", "aggregate", "updates/*.enc", "--passphrase-file", str(world.passphrase)]
    assert typed([*words[:2], "status"]).err.splitlines()[-1] == (
        "Next: all updates are in coordinator/updates/; type: privxray -C coordinator aggregate "
        "'updates/*.enc'"
    )
    closing = typed(words).err.splitlines()[-1]
    files = ["coordinator/models/global-0001.model", "coordinator/models/global-0001.proof"]
    assert closing.endswith(f"carry {' and '.join(files)} to every hospital")
    assert all(Path(file).is_file() for file in files)
    os.chdir(world["hospital-a"] / "source")
    assert (
        typed(["status"])
        .err.splitlines()[-1]
        .startswith(
            "Next: carry ../updates/hospital-a-pneumonia-0001.enc to the coordinator; when the answer comes: "
            "privxray -C .. accept FILE"
        )
    )


def test_after_deidentify_the_next_command_can_be_typed_as_it_stands(at: At) -> None:
    world = at("joined")
    os.chdir(world["hospital-a"])
    line = ["deidentify", "source/images", "clean", "--labels", "source/labels.csv", "--jobs", "1"]
    closing = typed(line).err.splitlines()[-1]
    assert closing == (
        "Next: privxray ingest clean --labels clean/labels.csv (privxray check clean looks only)"
    )
    assert typed(shlex.split(closing)[2:6]).code == 0
    os.chdir(world.root)
    again = typed(["-C", "hospital-a", *line]).err.splitlines()[-1]
    assert again.startswith("Next: privxray -C hospital-a ingest clean --labels clean/labels.csv")
    telling = typed(["-C", "hospital-a", *line[:2], "Zyxwvutsen", *line[3:]])
    assert "Zyxwvutsen" not in telling.out + telling.err
    assert "privxray -C hospital-a ingest DEST --labels DEST/labels.csv" in telling.err


# Disks, folders and --json


def in_a_read_only_mount(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    quoted = shlex.quote(str(folder))
    mount = f"mount --bind {quoted} {quoted}"
    shell = f'{mount} && {mount} -o remount,ro,bind && cd {shlex.quote(str(folder))} && exec "$@"'
    line = ["unshare", "--mount", "--map-root-user", "sh", "-c", shell, "sh"]
    python = [sys.executable, "-m", "privxray", *words]
    return subprocess.run([*line, *python], capture_output=True, text=True, check=False)


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    line = ["unshare", "--mount", "--map-root-user", "sh", "-c", "mount --bind /tmp /tmp"]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="this machine does not let tests mount anything")
def test_a_folder_that_is_mounted_read_only_is_named(at: At) -> None:
    world = at("trained")
    folder = world["hospital-a"]
    status = in_a_read_only_mount(folder, "status")
    assert status.returncode == 0, status.stderr
    assert "privxray export-update" in status.stderr
    doctor = in_a_read_only_mount(folder, "doctor")
    assert doctor.returncode == 3
    assert "can't be written to" in doctor.stdout
    for words in (("train",), ("export-update",), ("evaluate", "--local")):
        refused = in_a_read_only_mount(folder, *words)
        assert refused.returncode == 1, (words, refused.stderr)
        assert f"{folder}: this folder can't be written to" in refused.stderr


def test_the_missing_folder_of_a_report_is_named(at: At) -> None:
    world = at("joined")
    refused = world.type("hospital-a", "check", "source/images", "--report", "reprots/page.html")
    assert refused.code == 2
    assert "reprots" not in refused.err  # it may be a name; a neutral one is repeated
    refused = world.type("hospital-a", "check", "source/images", "--report", "x/y.html")
    assert "its folder, x, does not exist" in refused.err


def test_the_passphrase_is_kept_out_of_all_that(at: At) -> None:
    world = at("trained")
    done = world.type("hospital-a", "export-update", asks=True)
    assert PASSPHRASE not in done.out + done.err
