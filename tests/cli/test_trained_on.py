"""Who was trained on is remembered for good, and each training names the data that it saw: typed."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from crash import killed_at
from played_study import At, Snapshots, World

from privxray.cli.app import run
from privxray.privacy.ledger import Ledger
from privxray.workspace.state import State

A = "hospital-a"
INGEST = ("ingest", "source/images", "--labels", "source/labels.csv")

pytestmark = pytest.mark.usefixtures("one_network")


def rewrite(world: World, **changes: dict[str, str]) -> None:
    """Change cells of hospital-a's csv: by column, a cell's old value to its new one."""
    path = world[A] / "source/labels.csv"
    rows = list(csv.DictReader(path.open(newline="")))
    for column, mapped in changes.items():
        for row in rows:
            row[column] = mapped.get(row[column], row[column])
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def other_splits(world: World) -> None:
    """Whoever was trained on is held out in the new csv, and the reverse."""
    rewrite(world, split={"train": "val", "val": "train"})


def test_trained_patients_never_come_back_as_held_out(at: At) -> None:
    world = at("aggregated")
    world.ok(A, "accept", "received/global-0001.model", asks=True)
    before = world.ok(A, "evaluate")
    assert (before["patients"], before["left_out"]) == (3, 0)
    rewrite(world, split={"train": "val"})
    world.ok(A, *INGEST, "--replace")
    result = world.type(A, "evaluate")
    assert result.code == 0, result.err
    assert "Left out: 9 patients of val, for this study has trained on them." in result.err
    told = world.ok(A, "evaluate")
    assert (told["patients"], told["images"], told["left_out"]) == (3, 6, 9)
    assert told["metrics"] == before["metrics"]


def test_nobody_is_left_where_all_were_trained_on(at: At) -> None:
    world = at("aggregated")
    world.ok(A, "accept", "received/global-0001.model", asks=True)
    other_splits(world)
    world.ok(A, *INGEST, "--replace")
    assert world.refused(A, "evaluate") == "dataset.none-held-out"


def test_neither_another_name_nor_a_deleted_data_set_makes_them_new(at: At) -> None:
    world = at("aggregated")
    world.ok(A, "accept", "received/global-0001.model", asks=True)
    (world[A] / "data/data.db").unlink()
    other_splits(world)
    names = {f"patient-0-{number}": f"someone-{number}" for number in range(12)}
    rewrite(world, patient=names)
    world.ok(A, *INGEST)
    assert world.refused(A, "evaluate") == "dataset.none-held-out"


def test_predict_remarks_on_images_that_were_trained_on(at: At) -> None:
    world = at("aggregated")
    world.ok(A, "accept", "received/global-0001.model", asks=True)
    trained, held_out = "source/images/img-0-000-0.png", "source/images/img-0-003-0.png"
    told = world.ok(A, "predict", trained, held_out)
    assert [image["trained_on"] for image in told["images"]] == [True, False]
    remark = world.type(A, "predict", trained, held_out)
    assert "this study has trained on 1 of these images" in remark.err
    assert "trained on" not in world.type(A, "predict", held_out).err
    many = world.type(A, "predict", "source/images").err
    assert "trained on 18 of these images" in many
    assert many.count(".png") == 5
    assert ", ...)" in many


def test_a_training_of_an_earlier_version_is_noted_at_the_next_ingest(at: At) -> None:
    world = at("aggregated")
    with State(world[A] / "state.db") as state, state.transaction():
        for table in ("training_data", "trained_image"):
            state._db.execute(f"DELETE FROM {table}")
    world.ok(A, "accept", "received/global-0001.model", asks=True)
    rewrite(world, split={"train": "val"})
    world.ok(A, *INGEST, "--replace")
    assert world.ok(A, "evaluate")["left_out"] == 9
    says = "round 1 was trained by an earlier version of privxray; in the train split since then"
    assert says in world.type(A, "status").err


def test_status_and_train_say_what_changed_since_the_training(at: At) -> None:
    world = at("trained")
    assert "since then nothing changed." in world.type(A, "status").err
    rewrite(world, label={"virus": "bacteria"})
    world.ok(A, *INGEST, "--replace")
    seen = world.type(A, "status").err
    assert "pneumonia, round 1 was trained on the data of 20" in seen
    assert "since then 6 labels changed." in seen
    assert world.ok(A, "status")["trained"][0]["since"]["labels"] == 6
    again = world.type(A, "train")
    assert again.code == 0
    assert "6 labels changed. This result does not have these changes" in again.err
    assert "privxray train --again --epsilon E" in again.err
    assert world.ok(A, "train")["already"]


def test_train_again_costs_again_and_takes_the_corrected_data(at: At) -> None:
    world = at("trained")
    rewrite(world, label={"virus": "bacteria"})
    world.ok(A, *INGEST, "--replace")
    assert world.refused(A, "train", "--again") == "budget.again"
    assert world.refused(A, "train", "--again", "--epsilon", "7") == "budget.above-plan"
    assert world.ok(A, "status")["rounds"][0]["state"] == "trained"  # nothing of it destroyed anything
    told = world.ok(A, "train", "--again", "--epsilon", "6")
    assert not told["already"]
    assert told["data"]["since"] == {"labels": 0, "new": 0, "gone": 0, "other_images": 0}
    assert 9 < told["epsilon"] < 9.2  # two equal Gaussian runs: mu grows by the root of 2
    assert world.refused(A, "train", "--again", "--epsilon", "6") == "budget.exceeded"
    assert world.ok(A, "train")["already"]  # the result is still there
    runs = {entry.run for entry in Ledger.open(world[A] / "ledger.db").entries()}
    assert len(runs) == 2
    assert "since then nothing changed." in world.type(A, "status").err
    update = world.ok(A, "export-update", asks=True)["update"]
    assert Path(update).exists()
    assert world.type(A, "doctor").code == 0


@pytest.mark.slow
def test_kill_9_while_training_again_costs_one_more_training_and_no_third(
    snapshots: Snapshots, tmp_path: Path
) -> None:
    steps, killed = 0, True
    while killed:
        steps += 3
        world = World(tmp_path / str(steps))
        world.root.mkdir()
        shutil.copytree(snapshots("trained") / A, world[A])
        words = ["-C", str(world[A]), "train", "--again", "--epsilon", "0.1"]
        killed = killed_at(steps, lambda words=words: run(words), only=".db")  # type: ignore[misc]
        state = world.ok(A, "status")["rounds"][0]["state"]
        noted = State(world[A] / "state.db")
        assert noted.data_of_training("pneumonia", 1) is not None
        noted.__exit__()
        if state == "joined":
            assert world.ok(A, "train", "--epsilon", "0.1")["already"] is False
        assert world.ok(A, "train")["already"]
        assert len({entry.run for entry in Ledger.open(world[A] / "ledger.db").entries()}) <= 2
        shutil.rmtree(world.root)
    assert steps > 10


def test_after_the_export_train_says_what_changed_and_that_nothing_can_be_done(at: At) -> None:
    world = at("exported")
    rewrite(world, label={"virus": "bacteria"})
    world.ok(A, *INGEST, "--replace")
    result = world.type(A, "train")
    assert result.code == 4
    assert "since then 6 labels changed, and an update that has left can't be changed" in result.err
    assert world.refused(A, "train", "--again", "--epsilon", "1") == "round.exported"


def test_no_name_is_in_the_state(at: At) -> None:
    world = at("trained")
    shutil.copy(world[A] / "state.db", world[A] / "copy.db")
    assert b"patient-0-" not in (world[A] / "copy.db").read_bytes()
