"""``deidentify`` on several machines, as it is typed: the same copies, one manifest, and no kill tears."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Sequence
from typing import Any

import pydicom
import pytest
from crash import killed_at
from played_study import At, Result, World, typed
from test_deidentify import HOSPITAL, SENTINEL, make_source, radiograph, results

import privxray.workflow.shards.copy_merge
import privxray.workflow.shards.copy_results  # noqa: F401 - before the forks of the crash test
from privxray.cli.app import run

KEY = ("--key-file", "../job.key")
LABELS = ("--labels", "../hospital-a/dicom/labels.csv")


@pytest.fixture
def world(at: At) -> World:
    """A workspace, a source in which only the whole set tells all, and a folder of the job beside them."""
    world = at("joined")
    source = make_source(world[HOSPITAL] / "dicom", patients=3)
    for patient in (0, 1):  # a study of two patients
        ds = pydicom.dcmread(source / f"{SENTINEL}{patient}" / f"{SENTINEL}_0.dcm")
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.840.99.7", f"1.2.840.99.7.{patient}"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.840.99.7.{patient}.1"
        ds.save_as(source / f"twin{patient}.dcm")
    ds = pydicom.dcmread(source / f"{SENTINEL}2" / f"{SENTINEL}_1.dcm")
    ds.PatientName, ds.SeriesDescription = "x", f"{SENTINEL}2"  # a name that another file of the patient has
    ds.save_as(source / "leak.dcm")
    (source / "cut.dcm").write_bytes(radiograph(1, 1)[:700])
    (world.root / "job").mkdir()
    assert world.type(HOSPITAL, "deidentify", "key", "../job.key").code == 0
    os.chdir(world.root / "job")  # the machines of the shards have no workspace
    return world


def ok(*words: str, code: int = 0) -> Result:
    result = typed(list(words))
    assert result.code == code, result.err
    assert SENTINEL not in result.out + result.err
    assert "MRN765" not in result.out + result.err
    return result


def source(world: World) -> str:
    return str(world[HOSPITAL] / "dicom")


def terms(world: World, shards: int) -> None:
    line = ["deidentify", "terms", source(world)]
    parts = [f"t{shard}.part" for shard in range(1, shards + 1)]
    for shard, part in enumerate(parts, start=1):
        ok(*line, "--shard", f"{shard}/{shards}", *KEY, "--out", part)
    ok("deidentify", "terms", "--merge", *parts, *KEY, "--out", "all.terms")


def copy_line(world: World, shard: str, dest: str = "../many", out: str = "c.part") -> list[str]:
    line = ["deidentify", source(world), dest, "--shard", shard, "--terms", "all.terms", *KEY, "--out", out]
    return [*line, "--jobs", "1"]


def copies(world: World, shards: int) -> list[str]:
    terms(world, shards)
    parts = [f"c{shard}.part" for shard in range(1, shards + 1)]
    for shard, part in enumerate(parts, start=1):
        ok(*copy_line(world, f"{shard}/{shards}", out=part))
    return parts


def merge_line(world: World, parts: Sequence[str], dest: str = "many") -> list[str]:
    line = ["-C", str(world[HOSPITAL]), "deidentify", "dicom", f"../{dest}", "--merge", *KEY]
    return [*line, *(f"../job/{part}" for part in parts), *LABELS]


def rows(world: World) -> set[tuple[Any, ...]]:
    with sqlite3.connect(world[HOSPITAL] / "data" / "deid.db") as db:
        found = db.execute(
            "SELECT source, size, changed, source_sha256, result_sha256, result, reason FROM file"
        )
        return set(found)


@pytest.mark.parametrize("shards", [1, 3])
def test_copies_labels_and_manifest_are_those_of_one_run(world: World, shards: int) -> None:
    merged = ok(*merge_line(world, copies(world, shards)), "--json", code=3)
    of_shards = rows(world)
    one = ok("-C", str(world[HOSPITAL]), "deidentify", "dicom", "../one", *LABELS, "--json", code=3)
    assert merged.json == one.json
    assert {file["reason"] for file in merged.json["quarantined"]} >= {"a study belongs to two patients"}
    many, alone = world.root / "many", world.root / "one"
    assert results(many) == results(alone)
    assert len(results(many)) == 8
    assert (many / "labels.csv").read_bytes() == (alone / "labels.csv").read_bytes()
    assert rows(world) == of_shards  # of each folder, so equal rows are there once
    assert len(of_shards) == 10
    check = world.type(HOSPITAL, "check", "../many", "--json")
    assert check.code == 0, check.out
    assert "deidentify" not in world.type(HOSPITAL, "status").out


def test_no_part_shows_a_value(world: World) -> None:
    copies(world, 2)
    for path in (world.root / "job").iterdir():
        data = path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        for value in (SENTINEL, "MRN765", "St Elsewhere"):
            assert value.encode() not in data, path.name
        # A whole pseudonym: its first three bytes are in these 7 kB of ciphertext once in 2,300 runs.
        assert not re.search(rb"PX-[A-Z2-7]{16}", data), path.name
    assert not list((world.root / "job").glob("*.db"))


def test_what_does_not_belong_is_refused(world: World) -> None:
    parts = copies(world, 2)
    line = merge_line(world, parts)

    def reason(line: Sequence[str]) -> str:
        result = typed(["--verbose", *line])
        assert result.code != 0
        assert SENTINEL not in result.out + result.err
        return result.err.rpartition("reason: ")[2].partition(";")[0]

    assert reason(merge_line(world, parts[:1])) == "part.missing"
    assert reason([*line, "--ocr"]) == "shard.merge-options"
    assert reason([*copy_line(world, "1/2"), *LABELS]) == "shard.labels-of-shard"
    assert reason(["deidentify", source(world), "../many", "more"]) == "shard.parts-without-merge"
    assert (
        reason(["deidentify", "terms", "a", "b", "--shard", "1/2", *KEY, "--out", "x"]) == "shard.one-source"
    )
    assert reason([*copy_line(world, "1/2"), "--retain-uids"]) == "part.other-options"
    assert reason(copy_line(world, "1/3")) == "part.other-total"
    assert reason(copy_line(world, "1/2", dest=source(world) + "/clean")) == "copies.folder-in-folder"
    ok("check", "key", "check.key")
    plain = [word.replace("../job.key", "check.key") for word in copy_line(world, "1/2")]
    assert reason(plain) == "job-key.no-pseudonyms"
    assert reason(merge_line(world, parts, dest="another")) == "copies.gone"
    (world.root / "many" / "mine.txt").write_text("mine")
    assert reason(line) == "copies.folder-not-empty"
    (world.root / "many" / "mine.txt").unlink()
    other = world[HOSPITAL] / "dicom" / "other.dcm"
    other.write_bytes(radiograph(7, 7))
    assert reason(line) == "part.other-files"
    other.unlink()
    first = min((world[HOSPITAL] / "dicom").rglob("*.dcm"))
    os.utime(first, (1, 1))
    assert reason(copy_line(world, "1/2")) == "shard.files-changed"
    shutil.copytree(world[HOSPITAL], world.root / "hospital-z")
    with sqlite3.connect(world.root / "hospital-z" / "state.db") as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name LIKE '%secret%'")]
        db.execute(f"DELETE FROM {tables[0]} WHERE name = 'deid'")
    stranger = [word.replace(str(world[HOSPITAL]), str(world.root / "hospital-z")) for word in line]
    assert reason(stranger) == "job-key.other-workspace"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["shard", "merge"])
def test_killed_at_any_step_the_same_command_goes_on(world: World, step: str) -> None:
    for path in (world[HOSPITAL] / "dicom").glob("*.dcm"):
        path.unlink()
    terms(world, 1)
    shard, merge = copy_line(world, "1/1"), merge_line(world, ["c.part"])
    many, part = world.root / "many", world.root / "job" / "c.part"
    ok(*shard)
    ok(*merge)
    expected = results(many), (many / "labels.csv").read_bytes()
    line = shard if step == "shard" else merge
    steps, died = 1, True
    while died:
        (world[HOSPITAL] / "data" / "deid.db").unlink()
        if step == "shard":
            part.unlink()
            shutil.rmtree(many)
        else:
            (many / "labels.csv").unlink()
        died = killed_at(steps, lambda: run(line))
        ok(*shard)
        ok(*merge)
        assert (results(many), (many / "labels.csv").read_bytes()) == expected
        assert not list(many.rglob("*.tmp"))
        assert not list((world.root / "job").glob(".*"))
        steps += 29 if steps > 30 else 7
    assert steps > 15
