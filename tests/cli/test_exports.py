"""``privxray exports``, the release record beside an update, and what doctor says of both."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest
from crash import killed_at
from played_study import HOSPITALS, PATIENT, At, Snapshots, World, copy_world

from privxray.cli.app import run

UPDATE = "updates/hospital-a-pneumonia-0001.enc"


def exports(world: World, party: str, *words: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = world.ok(party, "exports", *words)["files"]
    return listed


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_file_that_left_is_listed_with_whom_it_was_for(at: At) -> None:
    world = at("aggregated")
    card, update = exports(world, "hospital-a")
    assert (card["kind"], card["file"], card["study"], card["to"]) == (
        "card",
        "hospital-a.card",
        None,
        "the coordinator",
    )
    path = world["hospital-a"] / UPDATE
    spent = world.ok("hospital-a", "export-update", asks=True)
    assert update == {
        "left": update["left"],
        "kind": "update",
        "file": path.name,
        "study": "pneumonia",
        "round": 1,
        "to": "coordinator",
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "epsilon": spent["epsilon"],
        "delta": 1e-05,
    }
    plan, model, proof = exports(world, "coordinator")
    assert [one["kind"] for one in (plan, model, proof)] == ["plan", "model", "proof"]
    assert plan["to"] == ", ".join(HOSPITALS)
    assert (model["to"], proof["to"]) == ("every hospital", ", ".join(HOSPITALS))
    assert exports(world, "coordinator", "--study", "another") == []


def test_the_record_survives_force_and_a_file_that_is_gone(at: At) -> None:
    world = at("exported")
    before = exports(world, "hospital-a")
    path = world["hospital-a"] / UPDATE
    path.write_bytes(b"something else")
    world.ok("hospital-a", "export-update", "--force", asks=True)
    path.unlink()
    assert exports(world, "hospital-a") == before
    stick = world.root / "stick"
    stick.mkdir()
    world.ok("hospital-a", "export-update", "--to", stick, asks=True)
    assert exports(world, "hospital-a") == before
    world.ok("hospital-a", "card", asks=True)  # another card, which the first does not make untrue
    assert [one["kind"] for one in exports(world, "hospital-a")] == ["card", "update", "card"]


def test_what_could_not_be_written_is_not_in_the_record(at: At) -> None:
    world = at("trained")
    (world["hospital-a"] / UPDATE).write_bytes(b"another file")
    assert world.refused("hospital-a", "export-update", asks=True) == "file.other-content"
    assert [one["kind"] for one in exports(world, "hospital-a")] == ["card"]


def test_encrypted_inference_is_in_the_record(snapshots: Snapshots, tmp_path: Path) -> None:
    world = World(copy_world(snapshots("answered"), tmp_path / "world"))
    offer, answer = exports(world, "coordinator")[-2:]
    assert (offer["kind"], offer["to"]) == ("offer", "any hospital")
    assert (answer["kind"], answer["to"]) == ("answer", "clinic")
    (query,) = [one for one in exports(world, "clinic") if one["kind"] == "query"]
    assert query["to"] == "coordinator"
    assert PATIENT not in json.dumps([exports(world, party) for party in ("clinic", "coordinator")])


def test_the_csv_opens_in_a_spreadsheet(at: At) -> None:
    world = at("exported")
    out = world.root / "left.csv"
    world.ok("hospital-a", "exports", "--csv", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert [row["kind"] for row in rows] == ["card", "update"]
    assert rows[1]["sha256"] == sha256(world["hospital-a"] / UPDATE)
    assert world.refused("hospital-a", "exports", "--csv", out) == "file.exists"
    shown = world.type("hospital-a", "exports")
    assert rows[1]["sha256"][:8] in shown.out
    assert "2 files. A file that left twice counts once" in shown.err


def test_doctor_holds_the_files_against_the_record(at: At, tmp_path: Path) -> None:
    world = at("exported")
    other = World(copy_world(world.root, tmp_path / "other"))

    def said() -> tuple[str, str]:
        checks = world.type("hospital-a", "doctor", "--json").json["checks"]
        (one,) = [check for check in checks if check["check"] == "exports"]
        return one["result"], one["what"]

    assert said() == ("ok", "every file that this workspace signed is in the record of 2 exports")
    shutil.copy(
        world["hospital-b"] / "updates/hospital-b-pneumonia-0001.enc", world["hospital-a"] / "updates"
    )  # a stranger's, which is none of its business
    assert said()[0] == "ok"
    world.ok("hospital-a", "card", asks=True)
    later = (world["hospital-a"] / "hospital-a.card").read_bytes()
    (other["hospital-a"] / "hospital-a.card").write_bytes(later)
    checks = other.type("hospital-a", "doctor", "--json").json["checks"]
    (one,) = [check for check in checks if check["check"] == "exports"]
    assert one["result"] == "notice"
    assert one["what"].startswith("hospital-a.card: signed here, and not in the record")


def test_the_release_record_says_what_the_update_is(at: At) -> None:
    world = at("exported")
    path = world["hospital-a"] / UPDATE
    record = json.loads(path.with_suffix(".release.json").read_text())
    page = path.with_suffix(".release.html").read_text()
    assert (record["file"], record["bytes"], record["sha256"]) == (
        path.name,
        path.stat().st_size,
        sha256(path),
    )
    assert record["guarantee"]["adjacency"] == "add-or-remove-one-patient"
    assert record["to"]["name"] == "coordinator"
    assert record["masks"] == "X25519 alone"
    assert "until a quantum computer breaks X25519" in record["masks_note"]
    for value in (record["sha256"], record["plan"], "epsilon 6", "per patient", "masked", "quantum computer"):
        assert value in page
    seen = world.ok("coordinator", "inspect", "updates/hospital-a-pneumonia-0001.enc")
    assert record["guarantee"]["epsilon"] == seen["header"]["epsilon"]
    shown = world.type("hospital-a", "inspect", UPDATE).out
    assert "can tell" in shown
    assert "nobody but the coordinator" in " ".join(shown.split())
    assert PATIENT not in page
    before = path.with_suffix(".release.html").read_bytes()
    world.ok("hospital-a", "export-update", asks=True)
    assert path.with_suffix(".release.html").read_bytes() == before


def test_a_file_in_the_place_of_the_release_record_stays(at: At) -> None:
    world = at("trained")
    (world["hospital-a"] / "updates").mkdir(exist_ok=True)
    other = (world["hospital-a"] / UPDATE).with_suffix(".release.json")
    other.write_text("notes of mine")
    assert world.refused("hospital-a", "export-update", asks=True) == "update.record-in-the-way"
    assert other.read_text() == "notes of mine"
    other.unlink()
    world.ok("hospital-a", "export-update", asks=True)
    assert json.loads(other.read_text())["file"] == "hospital-a-pneumonia-0001.enc"


def test_kill_9_leaves_no_file_that_the_record_lacks(at: At, tmp_path: Path) -> None:
    source = at("trained")
    for steps in range(1, 400, 7):
        world = World(copy_world(source.root, tmp_path / str(steps)))
        line = ["-C", str(world["hospital-a"]), "export-update"]
        line += ["--passphrase-file", str(world.passphrase)]
        killed = killed_at(steps, lambda line=line: run(line))  # type: ignore[misc]
        left = (world["hospital-a"] / UPDATE).exists()
        noted = [one["kind"] for one in exports(world, "hospital-a")]
        assert not left or "update" in noted, steps
        world.ok("hospital-a", "export-update", asks=True)
        assert [one["kind"] for one in exports(world, "hospital-a")] == ["card", "update"]
        assert json.loads((world["hospital-a"] / UPDATE).with_suffix(".release.json").read_text())
        shutil.rmtree(world.root)
        if not killed:
            return
    pytest.fail("the command never came to its end")
