"""A recovery key is nowhere but on its paper, and brings back a party that has lost its keys."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from crash import killed_at
from mnemonic import Mnemonic
from played_study import HOSPITALS, At, Snapshots, World, copy_world
from test_backup import back_up, contents

import privxray
from privxray.cli import recovery_prompts
from privxray.cli.app import run
from privxray.keys.key_words import listed
from privxray.keys.succession.recovery_key import key_of
from privxray.system.private_files import others_may_read
from privxray.workflow.custody.recovery_key import words_in
from privxray.workspace.folder import Workspace

A = "hospital-a"


def words_of(file: Path) -> str:
    return " ".join(listed(words_in(file)[0]))


@pytest.fixture(scope="module")
def joined(snapshots: Snapshots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan that states the recovery keys of hospital-a and hospital-b."""
    folder = tmp_path_factory.mktemp("recovery") / "world"
    world = World(copy_world(snapshots("initialised"), folder))
    for party in HOSPITALS[:2]:
        world.ok(party, "recovery", "make", world.root / f"{party}.recovery", asks=True)
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator"] / "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    assert "succession" in planned["terms"]["features"]
    (world.root / "key-words").write_text(planned["key_words"])
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
    return folder


@pytest.fixture
def world(joined: Path, tmp_path: Path) -> World:
    return World(copy_world(joined, tmp_path / "world"))


def newcomer(world: World, folder: str = "new", name: str = A) -> Path:
    world[folder].mkdir()
    world.ok(folder, "init", "--role", "hospital", "--name", name, asks=True)
    return world[folder] / f"{name}.card"


def recovered(world: World, folder: str = "new", party: str = A) -> Path:
    """The succession that a party's recovery key signs for a new workspace."""
    file = world.root / f"{folder}.succession"
    plan = world["coordinator"] / "plan-0001.plan"
    words = world.root / f"{party}.recovery"
    world.ok(folder, "succeed", plan, file, "--recovery", words, asks=True)
    return file


def test_init_makes_one_and_its_card_states_it(tmp_path: Path, at: At) -> None:
    world = at("initialised")
    file = world.root / "x.recovery"
    world["x"].mkdir()
    words = ("init", "--role", "hospital", "--name", "x", "--recovery", file)
    made = world.type("x", *words, asks=True)
    assert made.code == 0, made.err
    assert not others_may_read(file)
    secret = words_of(file)
    assert len(secret.split()) == 24
    assert not any(four in made.out + made.err for four in four_words(secret))
    card = world.ok("x", "inspect", world["x"] / "x.card")["header"]
    assert "succession" in card["features"]
    assert set(card["recovery"]) == {"key", "signature"}
    assert world.ok("x", "recovery", "check", file) == {"right": True}
    party = Workspace.find(world["x"])  # and by a program
    assert privxray.make_recovery_file(party, file, world.secret) is True
    assert privxray.is_own_recovery(party, secret)
    assert world.refused("x", "recovery", "make", world.root / "y", asks=True) == "recovery.stated-before"
    world["y"].mkdir()
    trustee = ("init", "--role", "trustee", "--name", "y", "--recovery", world.root / "y.recovery")
    assert "recovery" in world.ok("y", "inspect", world.ok("y", *trustee, asks=True)["card"])["header"]
    world["z"].mkdir()
    coordinator = ("init", "--role", "coordinator", "--study", "s", "--recovery", file)
    assert world.refused("z", *coordinator, asks=True) == "init.recovery-of-coordinator"


def four_words(secret: str) -> list[str]:
    """Runs of four words: one of them alone may stand in any sentence."""
    words = secret.split()
    return [" ".join(words[at : at + 4]) for at in range(21)]


def test_neither_the_workspace_nor_a_backup_has_the_recovery_key(world: World) -> None:
    secret = words_of(world.root / f"{A}.recovery")
    forms = [
        *(four.encode() for four in four_words(secret)),
        bytes(Mnemonic("english").to_entropy(secret)),
        key_of(secret).private_bytes_raw(),
    ]
    in_backup = contents(back_up(world, A), world, A)
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(in_backup["state.db"])
        stated = database.execute("SELECT value FROM setting WHERE name = 'recovery key'").fetchone()
    assert set(json.loads(stated[0])) == {"key", "signature"}
    here = {str(path): path.read_bytes() for path in world[A].rglob("*") if path.is_file()}
    for path, data in (in_backup | here).items():
        assert not any(form in data for form in forms), path


def test_recovery_make_and_check(at: At) -> None:
    world = at("initialised")
    file, other = world.root / "a.recovery", world.root / "b.recovery"
    assert world.refused(A, "recovery", "check", file) == "recovery.file-unread"
    assert world.refused(A, "recovery", "make", "in.recovery", asks=True) == "recovery.inside-workspace"
    assert world.refused("coordinator", "recovery", "make", file, asks=True) == "workspace.other-role"
    assert world.refused(A, "recovery", "make", asks=True) == "recovery.no-terminal"
    assert world.ok(A, "recovery", "make", file, asks=True)["already"] is False
    before = file.read_bytes()
    assert world.ok(A, "recovery", "make", file, asks=True)["already"] is True
    assert file.read_bytes() == before
    assert world.refused(A, "recovery", "make", other, asks=True) == "recovery.stated-before"
    assert not other.exists()
    world.ok(A, "recovery", "make", other, "--replace", asks=True)
    assert world.refused(A, "recovery", "check", file) == "recovery.other-words"
    assert world.refused(HOSPITALS[1], "recovery", "check", file) == "recovery.none"
    assert world.refused(A, "recovery", "check", "-") == "recovery.no-terminal-to-ask"
    file.write_bytes(b"\xff\xfe\x00")
    assert world.refused(A, "recovery", "check", file) == "recovery.file-not-text"
    file.write_text(" ".join(["zoo"] * 23) + " Quackenbush")
    told = world.type(A, "recovery", "check", file)
    assert told.code == 12
    assert "uackenbush" not in told.err.lower()


def test_a_file_that_others_may_read_is_used_and_told(world: World) -> None:
    """A memory stick often keeps no permissions; to refuse it would leave nothing to come back with."""
    (world.root / f"{A}.recovery").chmod(0o644)
    told = world.type(A, "recovery", "check", world.root / f"{A}.recovery")
    assert told.code == 0
    assert "Other accounts" in told.err


def test_at_a_terminal_the_words_are_shown_once_and_typed_back(
    at: At, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = at("initialised")
    typed = ["one two three"]
    shown: list[str] = []

    def prompt(question: str, **_: object) -> str:
        if not question.startswith("Type them"):
            return " ".join(shown)
        seen = capsys.readouterr().err
        if not shown:
            shown.extend(word for word in listed(seen) if word in Mnemonic("english").wordlist)
            del shown[24:]
        return typed.pop(0) if typed else " ".join(shown)

    monkeypatch.setattr(recovery_prompts, "is_terminal", lambda _: True)
    monkeypatch.setattr("typer.prompt", prompt)
    line = ["-C", str(world[A]), "recovery"]
    assert run([*line, "make", "--passphrase-file", str(world.passphrase)]) == 0
    assert len(shown) == 24
    assert run([*line, "check", "-"]) == 0
    shown[0] = "zoo" if shown[0] != "zoo" else "abandon"
    assert run([*line, "check", "-"]) == 12
    typed += ["wrong"] * 9
    again = [*line, "make", "--replace", "--passphrase-file", str(world.passphrase)]
    assert run(again) == 12


def test_a_hospital_that_lost_its_keys_comes_back(world: World) -> None:
    shutil.move(world[A], world["dead"])
    card = newcomer(world)
    file = recovered(world)
    assert recovered(world) == file
    for party in ("coordinator", "hospital-b"):
        told = world.ok(party, "distrust", file)
        assert (told["party"], told["why"], told["already"]) == (A, "recovery", False)
        assert world.ok(party, "distrust", file)["already"] is True
    cards = [card, *(world.ok(party, "card", asks=True)["card"] for party in HOSPITALS[1:])]
    planned = world.ok("coordinator", "plan", *cards, "--continue", "--without", A, asks=True)
    assert planned["key_words"] != world.key_words()
    for party, says in (
        ("hospital-b", f"{A} has new keys, which its recovery key has named"),
        ("hospital-c", f"{A} has new keys, and no statement of its old key that names them has come here"),
    ):
        joined = world.type(party, "join", planned["plan"], "--key-words", planned["key_words"])
        assert joined.code == 0, joined.err
        assert says in " ".join(joined.err.split())
    world.ok("new", "join", planned["plan"], "--key-words", planned["key_words"])
    # The old workspace turns up again: its files are refused.
    assert world.refused("dead", "distrust", file) == "succession.own"
    old_card = world.ok("dead", "card", asks=True)["card"]
    refusal = world.refused("coordinator", "plan", old_card, "--continue", asks=True)
    assert refusal == "key.revoked"


def test_the_old_card_serves_as_well_as_a_plan(world: World) -> None:
    newcomer(world)
    file, words = world.root / "x.succession", world.root / f"{A}.recovery"
    line = ("succeed", world[A] / f"{A}.card", file, "--recovery")
    world.ok("new", *line, words, asks=True)
    assert world.ok("hospital-b", "distrust", file)["why"] == "recovery"
    wrong = world.root / "hospital-b.recovery"
    assert world.refused("new", *line, wrong, asks=True) == "succession.other-words"
    same = ("succeed", world[A] / f"{A}.card", world.root / "y", "--recovery", words)
    assert world.refused(A, *same, asks=True) == "succession.own-card"
    assert world.refused("hospital-b", *same, asks=True) == "succession.other-party"
    no_card = ("succeed", file, world.root / "y", "--recovery", words)
    assert world.refused("new", *no_card, asks=True) == "succession.other-source"
    both = ("succeed", file, world.root / "y", "--recovery", words, "--votes", "v")
    assert world.refused("new", *both, asks=True) == "succession.options-contradict"
    assert world.refused("hospital-b", "join", file) == "succession.by-recovery"


def test_what_counts_is_the_recovery_key_and_not_what_a_thief_named(world: World) -> None:
    """The old key, stolen, names a thief's keys first; then the owner comes with the paper."""
    thief = newcomer(world, "thief")
    newcomer(world)
    stolen = world.root / "stolen.revocation"
    world.ok(A, "succeed", thief, stolen, asks=True)
    world.ok("hospital-b", "distrust", stolen)
    file = recovered(world)
    told = world.type("hospital-b", "distrust", file)
    assert told.code == 0
    assert "had named other keys" in told.err
    assert "in other hands" in told.err
    again = world.type("hospital-b", "distrust", stolen)
    assert "that one counts" in again.err
    # Two people with the words: the second statement is refused.
    second = recovered(world, "thief")
    assert world.refused("hospital-b", "distrust", second) == "succession.second"
    # Who knows no plan with the old key can't judge, nor can anybody of a key that was never stated.
    world["stranger"].mkdir()
    world.ok("stranger", "init", "--role", "hospital", "--name", "stranger", asks=True)
    assert world.refused("stranger", "distrust", file) == "succession.unknown-party"


def test_a_recovery_key_that_is_made_or_replaced_later_is_told(world: World) -> None:
    world.ok("hospital-c", "recovery", "make", world.root / "c.recovery", asks=True)
    world.ok(A, "recovery", "make", world.root / "a2.recovery", "--replace", asks=True)
    cards = [world.ok(party, "card", asks=True)["card"] for party in HOSPITALS]
    planned = world.ok("coordinator", "plan", *cards, "--replace", asks=True)
    joined = world.ok("hospital-b", "join", planned["plan"], "--key-words", planned["key_words"])
    assert "hospital-a has another recovery key now" in joined["changes"]
    assert "hospital-c has a recovery key now" in joined["changes"]


@pytest.mark.parametrize(("command", "stride"), [("make", 2), ("succeed", 3), ("distrust", 3), ("init", 5)])
def test_kill_9_at_its_steps(world: World, command: str, stride: int) -> None:
    words = world.root / f"{A}.recovery"
    if command in ("succeed", "distrust"):
        newcomer(world)
    world["fresh"].mkdir()
    lines = {
        "make": ("hospital-c", "recovery", "make", world.root / "c.recovery"),
        "succeed": ("new", "succeed", world[A] / f"{A}.card", world.root / "s", "--recovery", words),
        "distrust": ("hospital-b", "distrust", recovered(world) if command == "distrust" else ""),
        "init": (
            "fresh",
            "init",
            "--role",
            "hospital",
            "--name",
            "f",
            "--recovery",
            world.root / "f.recovery",
        ),
    }
    party, *rest = lines[command]
    line = ["-C", str(world[party]), *map(str, rest)]
    if command != "distrust":
        line += ["--passphrase-file", str(world.passphrase)]
    steps = 1
    fine = (0, 4) if command == "init" else (0,)  # once the card is there, a second init is refused
    while killed_at(steps, lambda: run(line), fine=fine):
        steps += stride
    assert steps > 10
    assert run(line) in fine
    if command == "init":
        assert world.ok("fresh", "recovery", "check", world.root / "f.recovery") == {"right": True}
        assert "recovery" in world.ok("fresh", "inspect", world["fresh"] / "f.card")["header"]
