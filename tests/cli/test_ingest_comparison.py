"""`ingest` as an officer types it: what came, changed, left, or was there under another name."""

from __future__ import annotations

import csv
import shutil
import stat
import sys
from pathlib import Path

import pytest
from played_study import CLASSES, At, World

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from test_imaging_comparison import rewritten

A = "hospital-a"
INGEST = ("ingest", "source/images", "--labels", "source/labels.csv")


def read(world: World) -> list[dict[str, str]]:
    with (world[A] / "source/labels.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def write(world: World, rows: list[dict[str, str]], name: str = "labels.csv") -> None:
    with (world[A] / "source" / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_rows_that_left_the_csv_are_told_with_what_to_type(at: At) -> None:
    world = at("ingested")
    write(world, read(world)[:-4])
    told = world.type(A, *INGEST)
    assert told.code == 0
    assert "0 new, 0 changed, 20 unchanged, 4 not in this csv." in told.err
    assert "4 images of the data set that this csv does not name stay in it" in told.err
    assert "type the command again with --replace" in told.err
    replaced = world.type(A, *INGEST, "--replace")
    assert "20 unchanged, 4 gone." in replaced.err
    assert world.ok(A, *INGEST)["comparison"]["gone"] == 0


def test_copies_made_in_another_way_do_not_count_twice(at: At) -> None:
    world = at("ingested")
    copies = world[A] / "source/copies"
    copies.mkdir()
    for path in (world[A] / "source/images").glob("*.png"):
        rewritten(path, copies / f"c{path.name}")
    write(world, [{**row, "image": f"c{row['image']}"} for row in read(world)], "copies.csv")
    told = world.type(A, "ingest", "source/copies", "--labels", "source/copies.csv")
    assert told.code == 0, told.err
    assert "24 images of these were there under another name" in told.err
    assert sum(row["images"] for row in world.ok(A, *INGEST)["counts"]) == 24


def test_corrections_need_a_word_and_then_are_counted(at: At) -> None:
    world = at("ingested")
    rows = read(world)
    for row in rows[:2]:
        row["label"] = "virus"
    write(world, rows)
    refused = world.type(A, *INGEST)
    assert refused.code == 4
    assert "--update" in refused.err
    assert "the same holds for 1 more (row 3)" in refused.err
    told = world.type(A, *INGEST, "--update")
    assert "0 new, 2 changed, 22 unchanged" in told.err


def test_unknown_labels_are_named_at_once_and_a_map_is_kept(at: At) -> None:
    world = at("joined")
    rows = read(world)
    for row in rows:
        row["label"] = {"bacteria": "Bacterial", "virus": "  VIRUS", "normal": "normal"}[row["label"]]
    rows[0]["label"] = "tuberculosis"
    rows[1]["label"] = "Quackenbush"
    write(world, rows)
    refused = world.type(A, *INGEST)
    assert refused.code == 11
    assert (
        "unknown labels: Bacterial (8 rows), tuberculosis (1), one that is not shown, for a label may name "
        "somebody (row 3); the study has normal, bacteria, virus"
    ) in refused.err
    assert "Quackenbush" not in refused.err
    rows[0]["label"] = rows[1]["label"] = "normal"
    write(world, rows)
    assert world.refused(A, *INGEST, "--map", "Bacterial") == "map.form"
    assert world.refused(A, *INGEST, "--map", "Bacterial=bacter") == "map.no-such-class"
    told = world.type(A, *INGEST, "--map", "bacterial=bacteria")
    assert told.code == 0, told.err
    assert "Labels read otherwise than written: Bacterial as bacteria (8), VIRUS as virus (8)." in told.err
    again = world.type(A, *INGEST)
    assert "24 unchanged" in again.err
    assert "the map is that of an ingest before, and --map replaces it" in again.err


def test_deidentify_tells_of_unknown_labels_before_the_first_copy(at: At) -> None:
    world = at("joined")
    rows = read(world)
    rows[0]["label"], rows[2]["label"] = "tuberculosis", "VIRUS"
    write(world, rows)
    told = world.type(A, "deidentify", "source/images", "copies", "--labels", "source/labels.csv")
    assert told.code == 0, told.err
    assert told.err.startswith("Note: ingest will not know these labels: tuberculosis (1 row); the study has")
    assert "VIRUS" not in told.err


def test_what_is_odd_is_told_by_kind_and_what_shows_nothing_is_refused(at: At) -> None:
    from imaging_samples import picture, png

    world = at("joined")
    black = world[A] / "source/images/im9.png"
    black.write_bytes(png(picture(0) * 0))
    rows = read(world)
    write(world, [*rows, {"image": "im9.png", "patient": "p9", "label": "virus", "split": "train"}])
    told = world.type(A, *INGEST)
    assert told.code == 0, told.err
    assert "Refused and left out, for the picture is black all over: 1 (im9.png)." in told.err
    assert "Odd: tiny: 24 (" in told.err
    json = world.ok(A, *INGEST)
    assert json["refused"] == [{"file": "im9.png", "kind": "empty"}]
    assert len(json["remarks"]["tiny"]) == 24


def test_the_contact_sheet_shows_every_image_to_its_owner_alone(at: At) -> None:
    from imaging_samples import picture, png

    world = at("joined")
    black = world[A] / "source/images/Quackenbush.png"
    black.write_bytes(png(picture(0) * 0))
    rows = read(world)
    new = {"image": black.name, "patient": "Quackenbush", "label": "virus", "split": "train"}
    write(world, [*rows, new])
    told = world.type(A, *INGEST, "--report", "page.html")
    assert told.code == 0, told.err
    page = world[A] / "page.html"
    html = page.read_text()
    assert html.count("<img ") == 25
    assert html.count("refused: black all over") == 3  # in the table, on hover, and as text
    assert "Quackenbush" not in html
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert world.refused(A, *INGEST, "--report", "page.html") == "file.exists"
    assert world.refused(A, *INGEST, "--report", "no/page.html") == "file.no-folder"
    world.ok(A, *INGEST, "--report", "page.html", "--force")


def test_every_bad_row_is_listed_for_programs(at: At) -> None:
    world = at("joined")
    rows = read(world)
    rows[0]["image"], rows[1]["label"], rows[5]["label"] = "gone.png", "", ""
    write(world, rows)
    refused = world.type(A, *INGEST, "--json")
    assert refused.json["error"]["places"] == {
        "labels.no-such-image": ["row 2"],
        "labels.empty-cell": ["row 3", "row 7"],
    }


def test_a_remembered_profile_is_named_where_it_decides(at: At) -> None:
    import deid_samples
    from test_ingest_profile import CHARACTERISTICS, add, ingest

    world = at("joined")
    add(world, *range(6))
    assert ingest(world, CHARACTERISTICS).code == 0
    named = deid_samples.clean()
    named.PatientName = "Quackenbush"
    (world[A] / "dicom/im3.dcm").write_bytes(deid_samples.encode(named))
    typed = ingest(world, CHARACTERISTICS).err
    assert "1 of 6 files did not pass the check (im3.dcm), judged by profile basic" in typed
    assert "the ingest before" not in typed
    remembered = ingest(world)
    assert remembered.code == 3
    assert (
        "This profile is the one of the ingest before (profile basic, retain-patient-characteristics)"
        in remembered.err
    )
    assert "To judge by another one, type --profile here, for example --profile basic" in remembered.err


def test_two_studies_have_their_own_data(at: At, tmp_path: Path) -> None:
    world = at("ingested")
    words = ("--role", "coordinator", "--study", "nodules")
    world["second"].mkdir()
    world.ok("second", "init", *words, asks=True)
    (world["second"] / "cards").mkdir()
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "second", "cards")
    planned = world.ok("second", "plan", "cards/*.card", "--classes", "clear,sick", asks=True)
    plan = world.carry(planned["plan"], A)
    world.ok(A, "join", plan, "--key-words", planned["key_words"])
    assert "ingest" in world.ok(A, "status")["next"][0]  # the other study's images are not this one's
    rows = read(world)
    write(
        world, [{**row, "label": "clear" if row["label"] == "normal" else "sick"} for row in rows], "two.csv"
    )
    second = ("ingest", "source/images", "--labels", "source/two.csv", "--study", "nodules")
    assert world.ok(A, *second)["comparison"]["new"] == 24
    assert {row["label"] for row in world.ok(A, *second)["counts"]} == {"clear", "sick"}
    first = world.ok(A, *INGEST, "--study", "pneumonia")
    assert first["comparison"] == {"new": 0, "changed": 0, "unchanged": 24, "renamed": 0, "gone": 0}
    assert {row["label"] for row in first["counts"]} == set(CLASSES)


@pytest.mark.parametrize("name", ["img-0-000-0", "IMG"])
def test_names_match_without_extension_and_folder(at: At, name: str) -> None:
    world = at("joined")
    source = world[A] / "source/images"
    (source / "deep/er").mkdir(parents=True)
    shutil.move(source / "img-0-000-0.png", source / "deep/er/img-0-000-0.png")
    rows = read(world)
    rows[0]["image"] = name
    write(world, rows)
    told = world.type(A, *INGEST)
    assert told.code == (0 if name.startswith("img") else 11)
