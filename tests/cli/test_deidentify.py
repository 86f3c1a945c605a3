"""``privxray deidentify`` as it is typed: folders, interruptions, changed sources, and on to ``ingest``."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import re
import shutil
import sqlite3
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from crash import killed_at
from played_study import CLASSES, At, Result, World, typed

sys.path.append(str(Path(__file__).parents[1] / "unit"))
import deid_samples as samples
from test_deid_sources import index
from test_deid_zips import zipped

import privxray.deid.cleaning.deidentify  # noqa: F401 - before the forks of the crash test
import privxray.workflow.images.make_copies as deidentification
from privxray.cli.app import run

SENTINEL = "Zyxwvutsen"
HOSPITAL = "hospital-a"


def radiograph(patient: int, view: int) -> bytes:
    ds = samples.clean()
    del ds.PatientIdentityRemoved, ds.DeidentificationMethodCodeSequence
    ds.PatientName, ds.PatientID = f"{SENTINEL}{patient}^Anna", f"MRN765{patient:04d}"
    ds.StudyDate, ds.AccessionNumber, ds.InstitutionName = "20230514", f"ACC99887{patient}", "St Elsewhere"
    ds.Rows = ds.Columns = 32
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelData = np.random.default_rng(patient * 2 + view).integers(0, 4000, 1024).astype("<u2").tobytes()
    return samples.encode(ds)


def make_source(folder: Path, patients: int = 4) -> Path:
    folder.mkdir(parents=True)
    rows = []
    for patient in range(patients):
        for view in range(2):
            name = f"{SENTINEL}{patient}/{SENTINEL}_{view}.dcm"
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(radiograph(patient, view))
            rows.append((name, f"MRN765{patient:04d}", CLASSES[patient % 3]))
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("image", "patient", "label"), *rows])
    return folder


def deidentify(world: World, *words: str | Path) -> Result:
    return world.type(HOSPITAL, "deidentify", *words, "--jobs", "1")


def results(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.dcm")}


@pytest.fixture
def world(at: At) -> World:
    world = at("joined")
    make_source(world[HOSPITAL] / "dicom")
    return world


def test_copies_pass_the_check_and_are_ingested(world: World) -> None:
    source, dest = world[HOSPITAL] / "dicom", world[HOSPITAL] / "clean"
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    result = deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv", "--json")
    assert result.code == 0, result.err
    assert result.json | {"profile": ""} == {
        "profile": "",
        "pixels_searched": False,
        "files": 8,
        "made": 8,
        "made_before": 0,
        "passed_over": 1,
        "blacked": 0,
        "labels": 8,
        "unlabelled": 0,
        "quarantined": [],
    }
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    for path in dest.rglob("*"):
        assert SENTINEL not in str(path)
        if path.is_file():
            data = path.read_bytes()
            assert SENTINEL.encode() not in data
            assert b"MRN765" not in data
            assert path.stat().st_mode & 0o077 == 0
    check = world.type(HOSPITAL, "check", "clean", "--json")
    assert check.code == 0
    assert [file["findings"] for file in check.json["files"]] == [[]] * 8
    report = world.ok(HOSPITAL, "ingest", "clean", "--labels", "clean/labels.csv")
    assert (report["images"], report["patients"]) == (8, 4)
    assert world.ok(HOSPITAL, "ingest", "clean", "--labels", "clean/labels.csv")["added"] == 0


def test_files_whose_uids_contradict_each_other_have_no_copies_that_do(world: World) -> None:
    for patient in (0, 1):
        ds = pydicom.dcmread(world[HOSPITAL] / "dicom" / f"{SENTINEL}{patient}" / f"{SENTINEL}_0.dcm")
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.840.99.7", f"1.2.840.99.7.{patient}"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.840.99.7.{patient}.1"
        ds.save_as(world[HOSPITAL] / "dicom" / f"twin{patient}.dcm")
    result = deidentify(world, "dicom", "clean", "--json")
    assert result.code == 3
    assert [file["reason"] for file in result.json["quarantined"]] == ["a study belongs to two patients"]
    assert (result.json["files"], result.json["made"]) == (10, 9)
    check = world.type(HOSPITAL, "check", "clean", "--json")
    assert check.code == 0, check.json


def test_nothing_that_identifies_is_printed_and_the_workspace_names_nobody(world: World) -> None:
    (world[HOSPITAL] / "dicom" / f"{SENTINEL}.dcm").write_bytes(radiograph(1, 1)[:700])
    for words in ((), ("--json",)):
        result = deidentify(world, "dicom", "clean", *words)
        assert result.code == 3
        assert SENTINEL not in result.out + result.err
        assert "file #" in result.out
    database = (world[HOSPITAL] / "data" / "deid.db").read_bytes()
    assert SENTINEL.encode() not in database
    assert b"MRN765" not in database
    assert (world[HOSPITAL] / "data" / "deid.db").stat().st_mode & 0o077 == 0


def test_the_same_patient_has_the_same_pseudonym_in_later_runs(world: World) -> None:
    deidentify(world, "dicom", "clean")
    (world[HOSPITAL] / "later").mkdir()
    (world[HOSPITAL] / "later" / "one.dcm").write_bytes(radiograph(2, 7))
    deidentify(world, "later", "clean-later")
    patients = {folder.name for folder in (world[HOSPITAL] / "clean").iterdir()}
    assert {folder.name for folder in (world[HOSPITAL] / "clean-later").iterdir()} <= patients


def test_a_second_run_does_nothing_and_a_further_file_is_added(world: World) -> None:
    deidentify(world, "dicom", "clean")
    first = results(world[HOSPITAL] / "clean")
    (world[HOSPITAL] / "dicom" / "more.dcm").write_bytes(radiograph(9, 0))
    again = deidentify(world, "dicom", "clean", "--json").json
    assert (again["made"], again["made_before"]) == (1, 8)
    assert first.items() <= results(world[HOSPITAL] / "clean").items()


def test_a_changed_source_and_a_changed_result_are_noticed(world: World) -> None:
    deidentify(world, "dicom", "clean")
    (world[HOSPITAL] / "dicom" / f"{SENTINEL}1" / f"{SENTINEL}_0.dcm").write_bytes(radiograph(3, 5))
    other = hashlib.sha256((world[HOSPITAL] / "dicom" / f"{SENTINEL}2" / f"{SENTINEL}_0.dcm").read_bytes())
    changed = next(
        world[HOSPITAL] / "clean" / row[2] for row in manifest(world) if row[0] == other.hexdigest()
    )
    changed.write_bytes(b"something else")
    result = deidentify(world, "dicom", "clean", "--json")
    assert result.code == 3
    assert {entry["reason"].partition(";")[0] for entry in result.json["quarantined"]} == {
        "it has changed since an earlier run made its copy",
        "its copy is not what an earlier run wrote",
    }
    assert changed.read_bytes() == b"something else"


def test_a_touched_source_is_the_same_source(world: World) -> None:
    deidentify(world, "dicom", "clean")
    for path in (world[HOSPITAL] / "dicom").rglob("*.dcm"):
        os.utime(path, (1, 1))
    again = deidentify(world, "dicom", "clean", "--json").json
    assert (again["made"], again["made_before"]) == (0, 8)


def test_a_deleted_result_is_made_again(world: World) -> None:
    deidentify(world, "dicom", "clean")
    first = results(world[HOSPITAL] / "clean")
    shutil.rmtree(world[HOSPITAL] / "clean")
    assert deidentify(world, "dicom", "clean", "--json").json["made"] == 8
    assert results(world[HOSPITAL] / "clean") == first


@pytest.mark.parametrize(
    ("dest", "reason"),
    [
        ("dicom", "copies.folder-in-folder"),
        ("dicom/inner", "copies.folder-in-folder"),
        (".", "copies.folder-in-folder"),
        ("..", "copies.folder-in-folder"),
        ("data/x", "copies.folder-of-workspace"),
        ("keys", "copies.folder-of-workspace"),
        ("linked/inner", "copies.folder-in-folder"),
        ("full", "copies.folder-not-empty"),
        ("full/notes.txt", "copies.folder-is-a-file"),
    ],
)
def test_folders_that_lie_in_each_other_or_hold_other_things_are_refused(
    world: World, dest: str, reason: str
) -> None:
    (world[HOSPITAL] / "linked").symlink_to(world[HOSPITAL] / "dicom")
    (world[HOSPITAL] / "full").mkdir()
    (world[HOSPITAL] / "full" / "notes.txt").write_text("mine")
    before = sorted(path for path in world[HOSPITAL].rglob("*"))
    result = deidentify(world, "dicom", dest)
    assert result.code == 4
    assert len(result.err.strip().splitlines()) == 1
    assert deidentify(world, "dicom", dest, "--json").json["error"]["reason"] == reason
    new = set(world[HOSPITAL].rglob("*")) - set(before)
    assert {path.name for path in new} <= {"deid.db", ".lock", "data"}


def test_another_profile_wants_another_folder(world: World) -> None:
    deidentify(world, "dicom", "clean")
    refused = deidentify(world, "dicom", "clean", "--retain-uids", "--json")
    assert refused.code == 4
    assert refused.json["error"]["reason"] == "copies.other-settings"


def test_names_that_no_file_knows_are_told_and_dropped_if_that_is_typed(world: World) -> None:
    path = world[HOSPITAL] / "dicom" / f"{SENTINEL}0" / f"{SENTINEL}_0.dcm"
    ds = pydicom.dcmread(path)
    ds.ContentDescription, ds.FilterType = "seen by nurse Kwimblina", "WEDGE"
    ds.save_as(path)
    told = world.type(HOSPITAL, "check", "dicom", "--json")
    assert "kept-text/unknown" in told.out
    assert "Kwimblina" not in told.out + told.err
    done = deidentify(world, "dicom", "dropped", "--drop-unknown-text")
    assert done.code == 0, done
    assert "Kwimblina" not in done.out + done.err
    copies = results(world[HOSPITAL] / "dropped")
    assert len(copies) == 8
    assert not [name for name, data in copies.items() if b"Kwimblina" in data]
    assert [name for name, data in copies.items() if b"WEDGE" in data]
    assert deidentify(world, "dicom", "dropped", "--json").json["error"]["reason"] == "copies.other-settings"


def test_a_link_planted_among_the_results_is_not_followed(world: World) -> None:
    deidentify(world, "dicom", "clean")
    patient = next((world[HOSPITAL] / "clean").iterdir())
    shutil.rmtree(patient)
    outside = world.root / "outside"
    outside.mkdir()
    patient.symlink_to(outside)
    result = deidentify(world, "dicom", "clean", "--json")
    assert result.code == 3
    assert list(outside.rglob("*.dcm")) == []


def test_a_file_in_the_place_of_a_result_is_left_as_it_is(world: World) -> None:
    deidentify(world, "dicom", "clean")
    taken = next(iter((world[HOSPITAL] / "clean").rglob("*.dcm")))
    with sqlite3.connect(world[HOSPITAL] / "data" / "deid.db") as database:
        database.execute("DELETE FROM file")
    taken.write_bytes(b"mine")
    result = deidentify(world, "dicom", "clean", "--json")
    assert len(result.json["quarantined"]) == 1
    assert taken.read_bytes() == b"mine"


def test_options_that_no_program_can_carry_out_are_refused(world: World) -> None:
    profile = world[HOSPITAL] / "ours.yaml"
    profile.write_text("name: ours\nbase: basic\noptions: [clean_recognizable_visual_features]\n")
    refused = deidentify(world, "dicom", "clean", "--profile", "ours.yaml", "--json")
    assert refused.code == 2
    assert refused.json["error"]["reason"] == "copies.visual-features"
    profile.write_text("name: ours\nbase: basic\noptions: [clean_pixel_data]\n")
    refused = deidentify(world, "dicom", "clean", "--profile", "ours.yaml", "--json")
    assert refused.json["error"]["reason"] == "copies.clean-pixel-data"


def test_a_folder_without_images_is_refused(world: World) -> None:
    (world[HOSPITAL] / "empty").mkdir()
    refused = deidentify(world, "empty", "clean", "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (2, "copies.no-image")


def test_labels_that_somebody_else_wrote_are_left_as_they_are(world: World) -> None:
    deidentify(world, "dicom", "clean")
    (world[HOSPITAL] / "clean" / "labels.csv").write_text("mine")
    refused = deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv", "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (4, "copies.other-labels")
    assert (world[HOSPITAL] / "clean" / "labels.csv").read_text() == "mine"


def test_a_label_that_could_be_a_name_is_not_copied(world: World) -> None:
    labels = world[HOSPITAL] / "dicom" / "labels.csv"
    rows = list(csv.reader(labels.read_text().splitlines()))
    rows[1][2] = f"{SENTINEL} (Anna)"
    with labels.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    refused = deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv", "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (11, "labels.not-a-class")
    assert SENTINEL not in refused.out + refused.err


def test_a_damaged_manifest_is_told_as_damage(world: World) -> None:
    deidentify(world, "dicom", "clean")
    (world[HOSPITAL] / "data" / "deid.db").write_bytes(b"no database at all" * 300)
    refused = deidentify(world, "dicom", "clean", "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (11, "manifest.damaged")


def test_a_manifest_of_another_version_is_left_as_it_is(world: World) -> None:
    deidentify(world, "dicom", "clean")
    with sqlite3.connect(world[HOSPITAL] / "data" / "deid.db") as database:
        database.execute("PRAGMA user_version = 7")
    refused = deidentify(world, "dicom", "clean", "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (11, "manifest.other-version")


def test_workers_give_the_same_copies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deidentify(world, "dicom", "clean")
    monkeypatch.setattr(deidentification, "IN_PROCESS", 1)
    result = typed(["-C", str(world[HOSPITAL]), "deidentify", "dicom", "other", "--jobs", "2", "--json"])
    assert result.code == 0, result.err
    assert results(world[HOSPITAL] / "other") == results(world[HOSPITAL] / "clean")


def as_zip(folder: Path) -> Path:
    """The same files as a PACS exports them: in a zip within a zip."""
    inner, outer = io.BytesIO(), folder.with_suffix(".zip")
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.dcm")):
            archive.write(path, path.relative_to(folder))
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("export.zip", inner.getvalue())
    return outer


def label_zip(folder: Path) -> Path:
    """The csv of labels for :func:`as_zip`."""
    labels = folder.with_suffix(".csv")
    rows = (folder / "labels.csv").read_text()
    labels.write_text(re.sub(rf"(?m)^{SENTINEL}", f"export.zip/{SENTINEL}", rows))
    return labels


def test_copies_from_a_zip_are_those_of_the_folder_and_a_second_run_makes_none(world: World) -> None:
    deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv")
    source, labels = as_zip(world[HOSPITAL] / "dicom"), label_zip(world[HOSPITAL] / "dicom")
    result = deidentify(world, source.name, "from-zip", "--labels", labels.name, "--json")
    assert (result.code, result.json["made"], result.json["labels"]) == (0, 8, 8), result.err
    assert results(world[HOSPITAL] / "from-zip") == results(world[HOSPITAL] / "clean")
    csvs = [(world[HOSPITAL] / name / "labels.csv").read_text() for name in ("clean", "from-zip")]
    assert csvs[0] == csvs[1]
    os.utime(source, (1, 1))
    again = deidentify(world, source.name, "from-zip", "--labels", labels.name, "--json").json
    assert (again["made"], again["made_before"]) == (0, 8)
    database = (world[HOSPITAL] / "data" / "deid.db").read_bytes()
    assert SENTINEL.encode() not in database


def test_a_zip_among_the_originals_that_is_not_read_has_no_copy_and_is_told(world: World) -> None:
    as_zip(world[HOSPITAL] / "dicom").rename(world[HOSPITAL] / "dicom" / "export.zip")
    (world[HOSPITAL] / "dicom" / "old.zip").write_bytes(b"PK\3\4 cut off")
    (world[HOSPITAL] / "dicom" / "old.tgz").write_bytes(gzip.compress(radiograph(1, 1)))
    for words in (("deidentify", "dicom", "clean"), ("check", "dicom")):
        result = world.type(HOSPITAL, *words, "--jobs", "1")
        assert result.code == 3
        assert "the zip is damaged or cut off" in " ".join(result.out.split())
        assert "only zip is" in " ".join(result.out.split())
        assert SENTINEL not in result.out + result.err
    told = deidentify(world, "dicom", "clean", "--json").json
    assert (told["files"], told["made_before"], len(told["quarantined"])) == (18, 16, 2)


def test_a_zip_that_can_not_be_opened_is_refused_by_name(world: World) -> None:
    (world[HOSPITAL] / "bad.zip").write_bytes(as_zip(world[HOSPITAL] / "dicom").read_bytes()[:-9])
    (world[HOSPITAL] / "other.tgz").write_bytes(gzip.compress(b"images"))
    labels = ("--labels", "dicom/labels.csv")
    for command in (("deidentify", "bad.zip", "clean"), ("ingest", "bad.zip", *labels)):
        assert world.refused(HOSPITAL, *command) == "archive.damaged"
    assert world.refused(HOSPITAL, "deidentify", "other.tgz", "clean") == "archive.other-kind"
    assert world.type(HOSPITAL, "check", "bad.zip").code == 3
    assert not (world[HOSPITAL] / "clean").exists()


def test_clean_copies_are_taken_in_from_a_zip_and_by_a_dicomdir(world: World) -> None:
    deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv")
    as_zip(world[HOSPITAL] / "clean")
    (world[HOSPITAL] / "other.csv").write_text((world[HOSPITAL] / "clean" / "labels.csv").read_text())
    # The csv names the files without the zip that they lie in.
    told = world.ok(HOSPITAL, "ingest", "clean.zip", "--labels", "other.csv")
    assert (told["images"], told["added"], told["not_listed"]) == (8, 8, 0)
    paths = sorted(
        path.relative_to(world[HOSPITAL] / "clean") for path in world[HOSPITAL].glob("clean/*/*/*")
    )
    (world[HOSPITAL] / "clean" / "DICOMDIR").write_bytes(index([path.parts for path in paths]))
    told = world.ok(HOSPITAL, "ingest", "clean/DICOMDIR", "--labels", "clean/labels.csv")
    assert (told["images"], told["added"], told["not_listed"]) == (8, 0, 0)
    checked = world.type(HOSPITAL, "check", "clean", "--json")
    assert (checked.code, checked.json["medium_indexes"]) == (0, 1)
    assert "A DICOMDIR was not checked" in world.type(HOSPITAL, "check", "clean").err


def test_images_that_can_not_be_read_in_a_zip_are_all_told(world: World) -> None:
    def spoil(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].flag_bits |= 1
        archive.filelist[1].compress_type = 9

    images = {f"im{number}.dcm": samples.encode(samples.clean()) for number in range(3)}
    (world[HOSPITAL] / "export.zip").write_bytes(zipped(images, spoil))
    rows = [f"im{number}.dcm,p{number},{CLASSES[0]}" for number in range(3)]
    (world[HOSPITAL] / "list.csv").write_text("\n".join(["image,patient,label", *rows]))
    told = world.type(HOSPITAL, "ingest", "export.zip", "--labels", "list.csv", "--json")
    assert (told.code, told.json["error"]["reason"]) == (11, "archive.entry-unread")
    assert told.json["error"]["places"] == {"archive.entry-unread": ["row 2", "row 3"]}


def test_copies_without_file_meta_are_checked_and_taken_in(world: World) -> None:
    deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv")
    shutil.copytree(world[HOSPITAL] / "clean", world[HOSPITAL] / "bare")
    for path in (world[HOSPITAL] / "bare").rglob("*.dcm"):
        data = path.read_bytes()
        path.write_bytes(data[144 + int.from_bytes(data[140:144], "little") :])
    assert world.type(HOSPITAL, "check", "bare").code == 0
    told = world.ok(HOSPITAL, "ingest", "bare", "--labels", "bare/labels.csv")
    assert (told["images"], told["added"], told["patients"]) == (8, 8, 4)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "stride"), [("folder", 5), ("zip", 9)])
def test_killed_at_any_step_the_same_command_goes_on(world: World, kind: str, stride: int) -> None:
    shutil.rmtree(world[HOSPITAL] / "dicom")
    source = make_source(world[HOSPITAL] / "dicom", patients=1)
    labels = source / "labels.csv"
    if kind == "zip":
        source, labels = as_zip(source), label_zip(source)
    line = ["-C", str(world[HOSPITAL]), "deidentify", str(source), "clean", "--labels", str(labels)]
    line += ["--jobs", "1"]
    assert run(line) == 0
    expected = results(world[HOSPITAL] / "clean")
    labels = (world[HOSPITAL] / "clean" / "labels.csv").read_bytes()
    steps, died, told = 1, True, 0
    while died:
        shutil.rmtree(world[HOSPITAL] / "clean")
        (world[HOSPITAL] / "data" / "deid.db").unlink()
        died = killed_at(steps, lambda: run(line))
        for path in (world[HOSPITAL] / "clean").rglob("*"):
            assert path.is_dir() or path.name.startswith(".") or path.suffix in (".dcm", ".csv")
        status = typed(["-C", str(world[HOSPITAL]), "status"])
        assert status.code == 0
        told += "privxray deidentify" in status.out + status.err
        assert run(line) == 0, steps
        assert results(world[HOSPITAL] / "clean") == expected
        assert (world[HOSPITAL] / "clean" / "labels.csv").read_bytes() == labels
        assert not list((world[HOSPITAL] / "clean").rglob("*.tmp"))
        steps += stride
    assert steps > 30
    assert told > 3
    assert "privxray deidentify" not in typed(["-C", str(world[HOSPITAL]), "status"]).out


def manifest(world: World) -> list[Any]:
    with sqlite3.connect(world[HOSPITAL] / "data" / "deid.db") as database:
        return database.execute("SELECT source_sha256, result_sha256, result FROM file").fetchall()


def test_the_manifest_pairs_sources_and_results_by_their_digests(world: World) -> None:
    deidentify(world, "dicom", "clean")
    sources = {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in world[HOSPITAL].glob("dicom/*/*.dcm")
    }
    rows = manifest(world)
    assert {row[0] for row in rows} == sources
    for _, digest, result in rows:
        assert hashlib.sha256((world[HOSPITAL] / "clean" / result).read_bytes()).hexdigest() == digest
    assert not list((world[HOSPITAL] / "clean").rglob("*.db"))
    assert pydicom.dcmread(world[HOSPITAL] / "clean" / rows[0][2]).PatientIdentityRemoved == "YES"


def test_copies_of_two_profiles_are_the_same_images(world: World) -> None:
    csv_of = ("--labels", "dicom/labels.csv")
    for dest, options in (("clean", ()), ("kept", ("--retain-patient-characteristics",))):
        assert deidentify(world, "dicom", dest, *csv_of, *options).code == 0
    options = ("--retain-patient-characteristics",)
    world.ok(HOSPITAL, "ingest", "clean", "--labels", "clean/labels.csv", *options)
    told = world.ok(HOSPITAL, "ingest", "kept", "--labels", "kept/labels.csv", *options)
    assert told["comparison"] == {"new": 0, "changed": 0, "unchanged": 8, "renamed": 8, "gone": 0}
    assert sum(row["images"] for row in told["counts"]) == 8


def test_a_csv_that_contradicts_the_files_stops_before_the_first_copy(world: World) -> None:
    labels = world[HOSPITAL] / "dicom/labels.csv"
    rows = list(csv.reader(labels.open(newline="")))
    rows[2][1] = rows[2][1].replace("MRN", "mrn")  # the second image of the first patient
    with labels.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    result = deidentify(world, "dicom", "clean", "--labels", "dicom/labels.csv", "--json")
    assert (result.code, result.json["error"]["reason"]) == (11, "labels.id-of-two-patients")
    assert result.json["error"]["places"] == {"labels.id-of-two-patients": ["row 2, row 3"]}
    assert "MRN765" not in result.out + result.err
    assert not (world[HOSPITAL] / "clean").exists()
