"""``privxray withdraw``: no later training sees the patient, under whatever name a csv brings them back."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from crash import killed_at
from played_study import At, World, copy_world
from test_deidentify import make_source
from test_trained_on import INGEST, A, rewrite

from privxray.cli.app import run
from privxray.system import private_files

WHO = "patient-0-0"  # of hospital-a, with two images in the split train


def private(world: World, *lines: str) -> Path:
    path = world.root / "who.txt"
    path.unlink(missing_ok=True)
    os.close(private_files.open_new(path, private_files.PRIVATE))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def patients(world: World, split: str = "train") -> int:
    with sqlite3.connect(world[A] / "data/data.db") as database:
        query = "SELECT count(DISTINCT patient) FROM image WHERE split = ?"
        (count,) = database.execute(query, (split,)).fetchone()
    return int(count)


def test_nobody_trains_on_who_withdrew_whatever_the_csv_says(at: At) -> None:
    world = at("ingested")
    before = patients(world)
    told = world.ok(A, "withdraw", "--from", private(world, WHO))
    assert (told["before"], told["images"], told["seen"]) == (False, 2, [])
    assert patients(world) == before - 1
    again = world.type(A, *INGEST, "--replace")
    assert again.code == 0
    assert "2 images of patients who withdrew left out" in again.err
    assert patients(world) == before - 1
    rewrite(world, patient={WHO: "somebody-else"})  # the files are noted, too
    world.ok(A, *INGEST, "--replace")
    assert patients(world) == before - 1
    world.ok(A, "train", "--epsilon", "6")
    assert world.ok(A, "status")["rounds"][0]["state"] == "trained"
    repeated = world.ok(A, "withdraw", "--from", private(world, WHO))
    assert (repeated["before"], repeated["images"], repeated["at"]) == (True, 0, told["at"])


def test_pictures_are_noted_so_other_files_of_them_stay_out(at: At) -> None:
    from PIL import Image

    world = at("ingested")
    before = patients(world)
    world.ok(A, "withdraw", "--from", private(world, WHO))
    for view in range(2):
        path = world[A] / f"source/images/img-0-000-{view}.png"
        Image.open(path).save(path, "PNG", compress_level=1)
    rewrite(world, patient={WHO: "somebody-else"})
    world.ok(A, *INGEST, "--replace")
    assert patients(world) == before - 1


def test_what_was_trained_before_is_told_and_confirmed(at: At) -> None:
    world = at("exported")
    out = world.root / "confirmation.html"
    said = world.type(A, "withdraw", "--from", private(world, WHO), "--out", out)
    assert said.code == 0, said.err
    assert WHO not in said.out + said.err
    assert "Round 1 of pneumonia was trained on this patient; its result has left the hospital." in said.err
    assert "nobody can take one patient out of them" in said.err
    page = out.read_text()
    assert not private_files.others_may_read(out)
    assert WHO not in page
    assert "PX-" in page
    assert "epsilon 6" in page
    (seen,) = world.ok(A, "withdraw", "--from", private(world, WHO))["seen"]
    assert (seen["study"], seen["round"], seen["left"], seen["pending"]) == ("pneumonia", 1, True, False)
    assert WHO.encode() not in (world[A] / "state.db").read_bytes()


def test_each_description_and_evaluation_that_counted_the_patient_is_named(at: At) -> None:
    world = at("evaluating")
    world.ok(A, "evaluate", "--contribute")
    held_out = "patient-0-3"
    said = world.type(A, "withdraw", "--from", private(world, held_out), "--out", world.root / "page.html")
    assert (
        "Round 2 of pneumonia counted this patient in the description of the patients; its counts have left"
        in (said.err)
    )
    assert (
        "Round 4 of pneumonia counted this patient in the evaluation of the model; its counts have not"
        in said.err
    )
    page = (world.root / "page.html").read_text()
    assert "Round 2 of the study pneumonia counted this patient in the description of the patients." in page
    assert "No training saw this patient" in page
    told = world.ok(A, "withdraw", "--from", private(world, held_out))
    assert (told["seen"], told["not_noted"]) == ([], [])
    assert [(one["round"], one["task"], one["left"]) for one in told["counted"]] == [
        (2, "describe", True),
        (4, "evaluate", False),
    ]
    trained = world.ok(A, "withdraw", "--from", private(world, WHO))  # left out of the evaluation
    assert [one["round"] for one in trained["counted"]] == [2]
    with sqlite3.connect(world[A] / "state.db") as database:  # as an earlier version left it
        database.execute("DELETE FROM counting")
    earlier = world.ok(A, "withdraw", "--from", private(world, WHO))
    assert earlier["counted"] == []
    assert [(one["round"], one["left"]) for one in earlier["not_noted"]] == [(2, True), (4, False)]
    assert "did not note whom it counted" in world.type(A, "withdraw", "--from", private(world, WHO)).err


def test_a_result_that_has_not_left_can_be_made_anew_without_the_patient(at: At) -> None:
    world = at("trained")
    said = world.type(A, "withdraw", "--from", private(world, WHO))
    assert "its result has not left the hospital" in said.err
    assert "privxray train --again --epsilon E" in said.err
    world.ok(A, "train", "--again", "--epsilon", "1")
    (first, *rest) = world.ok(A, "withdraw", "--from", private(world, WHO))["seen"]
    assert first["round"] == 1
    assert not rest


def test_a_patient_of_copies_is_known_by_the_hospitals_own_id(at: At) -> None:
    world = at("joined")
    make_source(world[A] / "dicom", patients=6)
    world.ok(A, "deidentify", "dicom", "clean", "--labels", "dicom/labels.csv")
    world.ok(A, "ingest", "clean", "--labels", "clean/labels.csv")
    with (world[A] / "clean/labels.csv").open() as stream:
        pseudonym = next(row["patient"] for row in csv.DictReader(stream))
    told = world.ok(A, "withdraw", "--from", private(world, "MRN7650000"))
    assert told["images"] == 2
    assert world.ok(A, "withdraw", "--from", private(world, pseudonym))["before"] is True


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_person_is_asked_and_nothing_that_is_typed_is_shown(at: At) -> None:
    world = at("ingested")
    from test_terminal import at_terminal

    code, seen = at_terminal(world[A], ["withdraw"], [("(not shown):", f"{WHO}\n")])
    assert code == 0, seen
    assert WHO not in seen
    assert "This patient is withdrawn" in seen


def test_what_is_refused(at: At) -> None:
    world = at("ingested")
    assert world.refused(A, "withdraw", "--from", private(world, "nobody")) == "withdraw.unknown"
    assert world.refused(A, "withdraw", "--from", private(world)) == "withdraw.one-line"
    assert world.refused(A, "withdraw", "--from", private(world, WHO, WHO)) == "withdraw.one-line"
    assert world.refused(A, "withdraw") == "withdraw.no-terminal"
    assert world.refused("coordinator", "withdraw", "--from", private(world, WHO)) == "workspace.other-role"
    rows = list(csv.DictReader((world[A] / "source/labels.csv").open()))
    for patient in {row["patient"] for row in rows}:
        world.ok(A, "withdraw", "--from", private(world, patient))
    assert world.refused(A, *INGEST, "--replace") == "ingest.all-withdrawn"


def test_kill_9_leaves_the_patient_in_or_out_and_the_same_command_goes_on(at: At, tmp_path: Path) -> None:
    source = at("ingested")
    before = patients(source)
    for steps in range(1, 300, 3):
        world = World(copy_world(source.root, tmp_path / str(steps)))
        line = ["-C", str(world[A]), "withdraw", "--from", str(private(world, WHO))]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        assert world.type(A, "status").code == 0
        assert run(line) == 0
        assert patients(world) == before - 1
        shutil.rmtree(world.root)
        if not killed:
            return
    pytest.fail("the command never came to its end")
