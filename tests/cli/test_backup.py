"""A backup is safe to keep and safe to restore: it opens no mask, and it forgets no spending unsaid."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crash import killed_at
from played_study import PATIENT, At, Result, Snapshots, World, identity_in, typed, write_passphrase

from privxray.cli.app import run
from privxray.privacy.ledger import Ledger
from privxray.workflow.custody import backup_file
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking


def contents(file: Path, world: World, party: str) -> dict[str, bytes]:
    """All that a backup holds, by path."""
    with backup_file.opened(file) as (head, rest):
        files = backup_file.unpacked(head, identity_in(world[party]), rest)
        return {path: b"".join(pieces) for path, pieces in files}


def back_up(world: World, party: str) -> Path:
    file = world.root / f"{party}.backup"
    world.ok(party, "backup", file, asks=True)
    return file


def put_back(world: World, party: str, file: Path, *words: str) -> Result:
    """Lose the party's workspace but for its images, and restore it."""
    shutil.rmtree(world.root / "lost", ignore_errors=True)
    world[party].rename(world.root / "lost")
    world[party].mkdir()
    return world.type(party, "restore", file, *words, "--json", asks=True)


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(":memory:")
    database.deserialize(data)
    try:
        yield database
    finally:
        database.close()


SEALED = "SELECT sealed FROM round_key WHERE sealed IS NOT NULL"


@pytest.mark.parametrize("stage", ["joined", "trained", "exported"])
def test_no_key_of_a_round_and_no_image_is_in_a_backup(at: At, stage: str) -> None:
    world = at(stage)
    with contextlib.closing(sqlite3.connect(world["hospital-a"] / "state.db")) as database:
        secrets = [row[0] for row in database.execute(SEALED)]
        secrets += [
            row[0] for row in database.execute("SELECT vector_key FROM round WHERE vector_key NOT NULL")
        ]
        secrets += [row[0] for row in database.execute("SELECT sealed FROM kept_vector")]
    assert secrets
    found = contents(back_up(world, "hospital-a"), world, "hospital-a")
    for secret in secrets:
        assert not any(secret in data for data in found.values())
    with opened(found["state.db"]) as state:
        assert not state.execute(SEALED).fetchall()
        assert {row[0] for row in state.execute("SELECT state FROM round")} <= {"void", "closed"}
    assert not any(PATIENT.encode() in data for data in found.values())
    folders = {path.partition("/")[0] for path in found}
    assert folders <= {"state.db", "ledger.db", "keys", "plans", "models", "rounds", "privxray.yaml"}
    assert all(path.endswith("update.enc") for path in found if path.startswith("rounds/"))


def test_a_hospital_goes_on_after_its_disk_died(at: At) -> None:
    """Keys, budget and what was trained on are there again; the open round is over for it."""
    world = at("exported")
    charged = Ledger.open(world["hospital-a"] / "ledger.db").charged()
    file = back_up(world, "hospital-a")
    told = put_back(world, "hospital-a", file, "--spent-since", "0")
    assert told.code == 0, told.err
    assert told.json["role"] == "hospital"
    assert told.json["budget_used_up"] is False
    assert identity_in(world["hospital-a"]).public() == identity_in(world.root / "lost").public()
    assert Ledger.open(world["hospital-a"] / "ledger.db").charged() == charged
    assert world.type("hospital-a", "doctor").code == 0
    again = Path(world.ok("hospital-a", "export-update", asks=True)["update"])
    assert (
        again.read_bytes() == (world.root / "lost" / "updates" / again.name).read_bytes()
    )  # no other vector
    world.ok("hospital-a", "status")
    with looking(Workspace.find(world["hospital-a"])) as session:
        assert session.state.trained_images("pneumonia")
    # A fresh card, and the study goes on.
    shutil.copy(told.json["card"], world["coordinator"] / "cards")
    for party in ("hospital-b", "hospital-c"):
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator"] / "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--continue", asks=True)
    plan = world.carry(planned["plan"], "hospital-a")
    world.ok("hospital-a", "join", plan, "--key-words", planned["key_words"])


def test_what_was_spent_since_has_to_be_said_and_is_charged(at: At) -> None:
    world = at("ingested")
    file = back_up(world, "hospital-a")
    world.ok("hospital-a", "train", "--epsilon", "6")
    unsaid = put_back(world, "hospital-a", file)
    assert (unsaid.code, unsaid.json["error"]["reason"]) == (2, "restore.spent-not-said")
    assert not list(world["hospital-a"].glob("*.db"))
    for wrong in ("-1", "nan", "101"):
        refused = world.type("hospital-a", "restore", file, "--spent-since", wrong, "--json", asks=True)
        assert (refused.code, refused.json["error"]["reason"]) == (2, "restore.spent-out-of-range")
    told = world.type("hospital-a", "restore", file, "--spent-since", "6", "--json", asks=True)
    assert (told.code, told.json["budget_used_up"]) == (0, False)
    cost = Ledger.open(world["hospital-a"] / "ledger.db").cost()
    assert 5.99 <= cost.epsilon <= 6.0001


def test_more_than_the_limit_leaves_nothing(at: At) -> None:
    world = at("ingested")
    file = back_up(world, "hospital-a")
    told = put_back(world, "hospital-a", file, "--spent-since", "12")
    assert (told.code, told.json["budget_used_up"]) == (0, True)
    for folder in ("source", "received"):
        shutil.copytree(world.root / "lost" / folder, world["hospital-a"] / folder)
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator"] / "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--replace", asks=True)
    plan = world.carry(planned["plan"], "hospital-a")
    world.ok("hospital-a", "join", plan, "--key-words", planned["key_words"])
    world.ok("hospital-a", "ingest", "source/images", "--labels", "source/labels.csv")
    refused = world.type("hospital-a", "train", "--epsilon", "1", "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (14, "ledger.spent-beyond-backup")


def test_a_coordinator_goes_on_with_a_new_plan(at: At) -> None:
    world = at("aggregated")
    file = back_up(world, "coordinator")
    told = put_back(world, "coordinator", file)
    assert told.code == 0, told.err
    assert told.json["card"] is None
    world.ok("coordinator", "status")
    assert world.type("coordinator", "doctor").code == 0
    model = world.ok("coordinator", "infer", "offer", asks=True)
    assert Path(model["offer"]).is_file()


def test_a_restored_coordinator_makes_no_second_request_of_an_open_round(at: At) -> None:
    world = at("exported")
    updates = world["coordinator"] / "updates"
    kept = shutil.copytree(updates, world.root / "kept")
    file = back_up(world, "coordinator")
    assert put_back(world, "coordinator", file).code == 0
    refused = world.type("coordinator", "aggregate", f"{kept}/*.enc", "--json", asks=True)
    assert (refused.code, refused.json["error"]["reason"]) == (10, "round.none-open")
    assert not list((world["coordinator"] / "models").iterdir())


def test_where_nothing_is_restored(at: At) -> None:
    world = at("joined")
    file = back_up(world, "hospital-a")

    def reason(result: Result) -> tuple[int, str]:
        return result.code, result.json["error"]["reason"]

    said = ("--spent-since", "0", "--json")
    assert reason(world.type("hospital-a", "restore", file, *said, asks=True)) == (4, "init.workspace-here")
    (world["hospital-a"] / "privxray.yaml").unlink()
    assert reason(world.type("hospital-a", "restore", file, *said, asks=True)) == (4, "restore.remains")
    empty = world["empty"]
    empty.mkdir()
    (world.root / "other").write_bytes(b"something else")
    assert reason(world.type("empty", "restore", world.root / "other", *said, asks=True)) == (
        11,
        "backup.not-one",
    )
    data = bytearray(file.read_bytes())
    for place in (len(backup_file.MAGIC) + 10, len(data) // 2, len(data) - 1):
        damaged = bytearray(data)
        damaged[place] ^= 1
        (world.root / "damaged").write_bytes(damaged)
        assert world.type("empty", "restore", world.root / "damaged", *said, asks=True).code in (11, 12)
        assert not (empty / "privxray.yaml").exists()
    (world.root / "damaged").write_bytes(data[:-100])
    assert world.type("empty", "restore", world.root / "damaged", *said, asks=True).code == 11
    write_passphrase(world.passphrase, "wrong")
    assert reason(world.type("empty", "restore", file, *said, asks=True)) == (12, "keyfile.wrong-passphrase")
    assert reason(typed(["-C", str(world["hospital-b"]), "backup", "x", "--json", "--passphrase-file",
                         str(world.passphrase)])) == (4, "backup.inside-workspace")  # fmt: skip


def test_an_old_backup_is_noticed_by_an_update_that_left(at: At) -> None:
    """Whoever says that nothing was spent, and shows an update that says otherwise, is told."""
    world = at("trained")
    file = back_up(world, "hospital-a")
    snapshot = world.ok("hospital-a", "export-update", asks=True)["update"]
    update = Path(shutil.copy(snapshot, world.root / "a.enc"))
    assert put_back(world, "hospital-a", file, "--spent-since", "0").code == 0
    assert world.type("hospital-a", "doctor", update).code == 0  # the training was before the backup


@pytest.mark.parametrize("party", ["hospital-a", "coordinator"])
def test_kill_9_at_every_step_of_a_restore(at: At, party: str) -> None:
    world = at("joined")
    file = back_up(world, party)
    steps, done = 0, False
    while not done:
        steps += 13  # the steps are many, and alike
        folder = world.root / "again"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        words = ["-C", str(folder), "restore", str(file), "--passphrase-file", str(world.passphrase)]
        words += ["--spent-since", "2"] if party == "hospital-a" else []
        done = not killed_at(steps, lambda words=words: run(words))  # type: ignore[misc]
        if not done:
            again: Any = typed([*words, "--json"])
            here = again.code == 4 and again.json["error"]["reason"] == "init.workspace-here"
            assert again.code == 0 or here, again.err
            if here and party == "hospital-a":
                assert typed([*words[:2], "card", *words[4:6]]).code == 0
        assert typed(["-C", str(folder), "status"]).code == 0
        if party == "hospital-a":
            cost = Ledger.open(folder / "ledger.db").cost()
            assert 1.99 <= cost.epsilon <= 2.0001
        assert not list(folder.rglob(".*.tmp"))
    assert steps > 40


def test_kill_9_while_a_backup_is_written(at: At) -> None:
    world = at("joined")
    file = world.root / "file.backup"
    steps, done = 0, False
    while not done:
        steps += 1
        words = [
            "-C",
            str(world["hospital-a"]),
            "backup",
            str(file),
            "--passphrase-file",
            str(world.passphrase),
        ]
        done = not killed_at(steps, lambda words=words: run(words))  # type: ignore[misc]
        if file.exists():
            assert contents(file, world, "hospital-a")["privxray.yaml"]
            file.unlink()


def test_a_restored_coordinator_plans_an_open_round_anew(at: At) -> None:
    world = at("joined")
    assert put_back(world, "coordinator", back_up(world, "coordinator")).code == 0
    cards = world["coordinator"] / "cards"
    cards.mkdir()
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        shutil.copy(world.ok(party, "card", asks=True)["card"], cards)
    planned = world.ok("coordinator", "plan", "cards/*.card", "--continue", asks=True)
    plan = world.carry(planned["plan"], "hospital-b")
    world.ok("hospital-b", "join", plan, "--key-words", planned["key_words"])


def test_a_trustee_that_is_restored_answers_no_request_twice(at: At) -> None:
    """The key that opens its shares is not in a backup."""
    world = at("initialised")
    world["notary"].mkdir()
    world.ok("notary", "init", "--role", "trustee", "--name", "notary", asks=True)
    file = back_up(world, "notary")
    with opened(contents(file, world, "notary")["state.db"]) as state:
        assert state.execute("SELECT count(*) FROM round_key").fetchone()[0] > 0
        assert not state.execute(SEALED).fetchall()
    told = put_back(world, "notary", file)
    assert (told.code, told.json["role"]) == (0, "trustee")


def test_what_to_do_after_restoring_in_an_open_round_is_said(at: At, snapshots: Snapshots) -> None:
    world = at("ingested")
    plan = next((world["hospital-a"] / "received").glob("*.plan"))
    assert put_back(world, "hospital-a", back_up(world, "hospital-a"), "--spent-since", "0").code == 0
    told = world.type("hospital-a", "status")
    assert "was restored, and round 1 is over in it" in " ".join(told.err.split())
    plan = world.root / "lost" / "received" / plan.name
    for words in (
        ("join", plan, "--key-words", world.key_words()), ("train", "--epsilon", "1"), ("export-update",)
    ):  # fmt: skip
        refused = world.type("hospital-a", *words, "--json")
        assert (refused.code, refused.json["error"]["reason"]) == (4, "round.over-here")
    # It has exported since, and does not know.
    model = snapshots("aggregated") / "coordinator" / "models" / "global-0001.model"
    assert world.refused("hospital-a", "accept", model, asks=True) == "model.before-the-restore"
    assert put_back(world, "coordinator", back_up(world, "coordinator")).code == 0
    told = world.type("coordinator", "status")
    assert "plan 'cards/*.card' --continue" in " ".join(told.err.split())
