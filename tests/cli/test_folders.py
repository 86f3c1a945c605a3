"""Folders in the place of images, what is passed over, tables for a spreadsheet, and ``--quiet``."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import pydicom.data
import pytest
from played_study import At, Snapshots, World, copy_world

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from test_deid_sources import SENTINEL, index


@pytest.fixture
def accepted(snapshots: Snapshots, tmp_path: Path) -> World:
    world = World(copy_world(snapshots("unaccepted"), tmp_path / "world"))
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    return world


def test_predict_takes_folders_and_writes_a_table_for_a_spreadsheet(accepted: World) -> None:
    folder = accepted["hospital-a"] / "few"
    (folder / "below").mkdir(parents=True)
    images = sorted((accepted["hospital-a"] / "source" / "images").glob("*.png"))[:3]
    for image, place in zip(images, (folder, folder, folder / "below"), strict=True):
        shutil.copy(image, place)
    told = accepted.ok("hospital-a", "predict", "few", "--csv", "table.csv")
    assert len(told["images"]) == 3
    data = (accepted["hospital-a"] / "table.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbffile,most_likely,normal,")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert [float(row["virus"]) for row in rows] == pytest.approx(
        [one["probabilities"]["virus"] for one in told["images"]], abs=5e-4
    )
    assert accepted.refused("hospital-a", "predict", "few", "--csv", "table.csv") == "file.exists"
    accepted.ok("hospital-a", "predict", "few", "--csv", "table.csv", "--force", "--decimal-comma")
    german = (accepted["hospital-a"] / "table.csv").read_text("utf-8-sig").splitlines()
    assert german[0].startswith("file;most_likely;normal")
    assert german[1].split(";")[2] == rows[0]["normal"].replace(".", ",")
    (accepted["hospital-a"] / "empty").mkdir()
    assert accepted.refused("hospital-a", "predict", "empty") == "images.none-in-folder"


def test_a_question_may_name_a_folder(at: At) -> None:
    world = at("joined")
    assert world.refused("hospital-a", "infer", "ask", "source/images") == "offer.none-yet"
    (world["hospital-a"] / "empty").mkdir()
    assert world.refused("hospital-a", "infer", "ask", "empty") == "images.none-in-folder"


def test_a_dicomdir_beside_the_images_stops_nothing(at: At) -> None:
    world = at("joined")
    source = world["hospital-a"] / "source" / "images"
    shutil.copy(pydicom.data.get_testdata_file("DICOMDIR", download=False), source)
    (source / "notes.txt").write_text("a list")
    done = world.type("hospital-a", "deidentify", "source/images", "clean", "--jobs", "1", "--list")
    assert done.code == 0, done.err
    assert "DICOMDIR was left out" in done.err
    assert "notes.txt" in done.out
    assert done.err.splitlines()[-1].startswith("Next: ")
    assert not (world["hospital-a"] / "clean" / "DICOMDIR").exists()
    told = world.ok("hospital-a", "deidentify", "source/images", "clean", "--jobs", "1")
    assert (told["medium_indexes"], told["passed_over"]) == (1, 1)
    listed = world.type("hospital-a", "check", "source/images/notes.txt", "source", "--list", "--json")
    assert listed.json["passed_over_files"] == ["images/notes.txt", "labels.csv"]


def test_quiet_leaves_errors_and_data_only(at: At) -> None:
    world = at("trained")
    for words in (("--quiet", "status"), ("status", "--quiet")):
        shown = world.type("hospital-a", *words)
        assert (shown.code, shown.err) == (0, "")
        assert "trained" in shown.out
    refused = world.type("hospital-a", "train", "--epsilon", "3", "--quiet")
    assert refused.code == 4
    assert len(refused.err.splitlines()) == 1
    assert world.type("hospital-a", "status").err != ""


def test_what_a_dicomdir_names_and_is_not_there_is_told_by_every_command(at: At) -> None:
    world = at("joined")
    source = world["hospital-a"] / "source" / "images"
    parts = [("SERIES", f"IM{number}") for number in range(9)]
    (source / "DICOMDIR").write_bytes(index([*parts, (SENTINEL, "IM9")]))
    labels = ("--labels", "source/labels.csv")
    for command in (
        ("check", "source/images"),
        ("deidentify", "source/images", "clean"),
        ("ingest", "source/images", *labels),
    ):
        told = world.type("hospital-a", *command)
        said = " ".join(told.err.split())
        assert told.code == 0, said
        assert "10 files that a DICOMDIR names are not there: SERIES/IM0, SERIES/IM1," in said
        assert "SERIES/IM7 and 2 more. The medium" in said
        as_json = world.ok("hospital-a", *command)
        assert as_json["missing_references"][8:] == ["SERIES/IM8", "reference no. 10"]
        assert SENTINEL not in told.out + told.err + str(as_json)
