"""``deidentify --crosswalk`` and ``--ids``, and ``crosswalk show``: for those who may know who a copy is."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import stat
from pathlib import Path

import pydicom
import pytest
from crash import killed_at
from played_study import At, Result, World, copy_world
from test_deidentify import HOSPITAL, SENTINEL, make_source

from privxray.cli.app import run
from privxray.workflow.images.crosswalk_file import read_crosswalk

FILE = "walk.crosswalk"


@pytest.fixture
def world(at: At) -> World:
    world = at("joined")
    make_source(world[HOSPITAL] / "originals", patients=3)
    return world


def deidentify(world: World, *words: str | Path) -> Result:
    asks = "--crosswalk" in words
    return world.type(HOSPITAL, "deidentify", "originals", "copies", *words, asks=asks)


def shown(world: World, *words: str | Path, wanted: int = 0) -> list[dict[str, str]]:
    out = world.root / "answer.csv"
    out.unlink(missing_ok=True)
    done = world.type(HOSPITAL, "crosswalk", "show", FILE, "--out", out, *words, asks=True)
    assert done.code == wanted, done.err
    assert SENTINEL not in done.out + done.err
    assert "MRN765" not in done.out + done.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    return list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))


def asked(world: World, *values: str) -> list[dict[str, str]]:
    path = world.root / "ids.txt"
    path.write_text("\n".join(values) + "\n")
    path.chmod(0o600)
    return shown(world, "--ids", path)


def test_each_copy_patient_and_uid_is_found_from_both_sides(world: World) -> None:
    told = deidentify(world, "--crosswalk", FILE)
    assert told.code == 0, told.err
    sealed = (world[HOSPITAL] / FILE).read_bytes()
    assert stat.S_IMODE((world[HOSPITAL] / FILE).stat().st_mode) == 0o600
    for value in (SENTINEL.encode(), b"MRN765"):
        assert value not in sealed
    assert not re.search(rb"PX-[A-Z2-7]{16}", sealed)  # PX- alone is soon among random bytes
    folder = world[HOSPITAL] / "copies"
    copies = {p.relative_to(folder).as_posix(): pydicom.dcmread(p) for p in folder.rglob("*.dcm")}
    pairs = shown(world, "--all")
    files = {row["original"]: row["copy"] for row in pairs if row["kind"] == "file"}
    assert sorted(files.values()) == sorted(copies)
    for source, copy in files.items():
        before, after = pydicom.dcmread(world[HOSPITAL] / "originals" / source), copies[copy]
        assert before.PixelData == after.PixelData
        for old, new in (
            (before.PatientID, after.PatientID),
            (before.SOPInstanceUID, after.SOPInstanceUID),
            (before.StudyInstanceUID, after.StudyInstanceUID),
        ):
            for value in (old, new):
                rows = asked(world, value)
                assert any({row["original"], row["copy"]} == {old, new} for row in rows), value
        (row,) = asked(world, Path(copy).name)
        assert (row["kind"], row["original"], row["copy"]) == ("file", source, copy)
    patient = asked(world, "MRN7650001")
    assert sorted(row["kind"] for row in patient) == ["file", "file", "patient"]
    assert asked(world, "MRN7650001", "nobody", "MRN7650001") == patient


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_person_is_asked_and_nothing_that_is_typed_is_shown(world: World) -> None:
    assert deidentify(world, "--crosswalk", FILE).code == 0
    words = ["crosswalk", "show", FILE, "--out", "answer.csv", "--passphrase-file", str(world.passphrase)]
    answers = [("an empty line ends):", "MRN7650002\n"), ("an empty line ends):", "\n")]
    from test_terminal import at_terminal

    code, seen = at_terminal(world[HOSPITAL], words, answers)
    assert code == 0, seen
    assert "MRN765" not in seen
    assert "1 of 1 value found" in seen
    assert "MRN7650002" in (world[HOSPITAL] / "answer.csv").read_text("utf-8-sig")
    without = world.type(HOSPITAL, "crosswalk", "show", FILE, "--out", "b.csv", "--json", asks=True)
    assert without.json["error"]["reason"] == "crosswalk.no-terminal"


def test_a_further_run_adds_to_it_and_a_file_without_a_copy_is_in_it(world: World) -> None:
    assert deidentify(world, "--crosswalk", FILE).code == 0
    broken = world[HOSPITAL] / "originals" / f"{SENTINEL}9.dcm"
    broken.write_bytes(next((world[HOSPITAL] / "originals").rglob("*.dcm")).read_bytes()[:400])
    told = deidentify(world, "--crosswalk", FILE)
    assert told.code == 3
    assert "data/not-copied.csv" in told.err
    assert SENTINEL not in told.out + told.err
    listed = list(csv.DictReader((world[HOSPITAL] / "data/not-copied.csv").open()))
    assert [row["path"] for row in listed] == [str(broken)]
    (row,) = asked(world, f"{SENTINEL}9.dcm")
    assert (row["copy"], row["remark"]) == ("", listed[0]["reason"])
    assert len([row for row in shown(world, "--all") if row["kind"] == "file"]) == 7
    broken.unlink()
    assert deidentify(world).code == 0
    assert not (world[HOSPITAL] / "data/not-copied.csv").exists()


def test_what_is_refused(world: World) -> None:
    for place in ("copies/walk.crosswalk", "originals/walk.crosswalk"):
        (world[HOSPITAL] / "copies").mkdir(exist_ok=True)
        refused = deidentify(world, "--crosswalk", place, "--json")
        assert refused.json["error"]["reason"] == "crosswalk.in-copies"
    assert not list((world[HOSPITAL] / "copies").iterdir())
    other = world[HOSPITAL] / FILE
    other.write_text("notes of mine")
    assert deidentify(world, "--crosswalk", FILE, "--json").json["error"]["reason"] == "crosswalk.not-one"
    assert other.read_text() == "notes of mine"
    other.unlink()
    right = world.passphrase.read_text()
    world.passphrase.write_text("another one\n")
    wrong = deidentify(world, "--crosswalk", FILE, "--json")
    assert wrong.json["error"]["reason"] == "keyfile.wrong-passphrase"
    assert not other.exists()
    world.passphrase.write_text(right)
    assert deidentify(world, "--crosswalk", FILE).code == 0
    world.passphrase.write_text("another one\n")
    show = ("crosswalk", "show", FILE, "--out", "b.csv")
    assert world.refused(HOSPITAL, *show, "--all", asks=True) == "crosswalk.other-passphrase"
    world.passphrase.write_text(right)
    ids = world.root / "ids.txt"
    ids.write_text("MRN7650001\n")
    ids.chmod(0o644)
    assert world.refused(HOSPITAL, *show, "--ids", ids, asks=True) == "private-lines.open-to-others"
    assert world.refused(HOSPITAL, *show, "--ids", ids, "--all", asks=True) == "crosswalk.all-and-ids"
    assert world.refused(HOSPITAL, *show, "--ids", "no.txt", asks=True) == "private-lines.unread"
    ids.write_bytes(b"\xff\xfe\xff")
    ids.chmod(0o600)
    assert world.refused(HOSPITAL, *show, "--ids", ids, asks=True) == "private-lines.not-text"
    assert (
        world.refused(HOSPITAL, "crosswalk", "show", "no", "--out", "b.csv", "--all", asks=True)
        == "crosswalk.unread"
    )


def test_killed_at_any_step_the_same_command_goes_on(world: World, tmp_path: Path) -> None:
    for steps in range(1, 4000, 67):
        other = World(copy_world(world.root, tmp_path / str(steps)))
        line = ["-C", str(other[HOSPITAL]), "deidentify", str(other[HOSPITAL] / "originals")]
        line += [str(other[HOSPITAL] / "copies"), "--crosswalk", str(other[HOSPITAL] / FILE)]
        line += ["--passphrase-file", str(other.passphrase)]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        if killed:
            assert run(line) == 0
        passphrase = other.passphrase.read_text().strip()
        pairs = read_crosswalk(other[HOSPITAL] / FILE, lambda passphrase=passphrase: passphrase)  # type: ignore[misc]
        assert len(pairs) == 6
        shutil.rmtree(other.root)
        if not killed:
            return
    pytest.fail("the command never came to its end")


# Identifiers of a trial


def ids(world: World, *rows: str, header: str = "patient,id") -> Path:
    path = world.root / "trial.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def patient_ids(folder: Path) -> set[str]:
    return {str(pydicom.dcmread(path).PatientID) for path in folder.rglob("*.dcm")}


def test_assigned_identifiers_stand_for_the_patients_now_and_later(world: World) -> None:
    table = ids(world, "MRN7650000,TRIAL-001", "MRN7650001,TRIAL-002", header="PatientID,Trial ID")
    told = deidentify(world, "--ids", table, "--labels", "originals/labels.csv")
    assert told.code == 0, told.err
    folder = world[HOSPITAL] / "copies"
    found = patient_ids(folder)
    assert {"TRIAL-001", "TRIAL-002"} < found
    assert len(found) == 3
    assert {row["patient"] for row in csv.DictReader((folder / "labels.csv").open())} == found
    # Without the file, in another folder, and from the copies themselves, they stay.
    assert world.type(HOSPITAL, "deidentify", "originals", "again").code == 0
    assert patient_ids(world[HOSPITAL] / "again") == found
    assert world.type(HOSPITAL, "deidentify", "copies", "twice").code == 0
    assert patient_ids(world[HOSPITAL] / "twice") == found
    dates = {str(pydicom.dcmread(p).StudyDate) for p in folder.rglob("*.dcm")}
    assert {str(pydicom.dcmread(p).StudyDate) for p in (world[HOSPITAL] / "twice").rglob("*.dcm")} == dates
    assert world.type(HOSPITAL, "check", "copies").code == 0
    assert world.type(HOSPITAL, "ingest", "copies", "--labels", "copies/labels.csv").code == 0
    stored = (world[HOSPITAL] / "data/deid.db").read_bytes()
    assert b"TRIAL-001" in stored
    assert b"MRN765" not in stored


@pytest.mark.parametrize(
    ("rows", "header", "reason"),
    [
        (("MRN7650000,TRIAL-001",), "name,number", "ids.columns"),
        (("MRN7650000,TRIAL 001",), "patient,id", "ids.row"),
        (("MRN7650000,T-MRN7650000",), "patient,id", "ids.row"),
        (("MRN7650000",), "patient,id", "ids.row"),
        (("MRN7650000,T1", "MRN7650001,T1"), "patient,id", "ids.twice"),
        (("MRN7650000,T1", "MRN7650000,T2"), "patient,id", "ids.patient-named"),
    ],
)
def test_identifiers_that_would_mix_patients_up_are_refused(
    world: World, rows: tuple[str, ...], header: str, reason: str
) -> None:
    refused = deidentify(world, "--ids", ids(world, *rows, header=header), "--json")
    assert refused.json["error"]["reason"] == reason
    assert "MRN765" not in refused.out + refused.err
    assert not (world[HOSPITAL] / "copies").exists()


def test_shards_know_neither(world: World) -> None:
    assert world.ok(HOSPITAL, "deidentify", "key", "job.key")
    parts = ("--shard", "1/2", "--key-file", "job.key", "--out", "a.part", "--terms", "a.terms")
    refused = deidentify(world, "--ids", ids(world, "MRN7650000,TRIAL-001"), *parts, "--json")
    assert refused.json["error"]["reason"] == "shard.crosswalk-of-shard"
    assert deidentify(world, "--ids", ids(world, "MRN7650000,TRIAL-001")).code == 0
    assert world.refused(HOSPITAL, "deidentify", "key", "b.key") == "job-key.assigned-identifiers"


def test_a_patient_who_has_copies_under_a_pseudonym_keeps_it(world: World) -> None:
    assert deidentify(world).code == 0
    refused = deidentify(world, "--ids", ids(world, "MRN7650000,TRIAL-001"), "--json")
    assert refused.json["error"]["reason"] == "ids.patient-named"
    assert world.type(HOSPITAL, "deidentify", "originals", "again").code == 0
    assert patient_ids(world[HOSPITAL] / "again") == patient_ids(world[HOSPITAL] / "copies")
