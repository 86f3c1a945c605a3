"""``doctor`` finds what is wrong, says what to do, changes nothing and names nobody."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from played_study import PATIENT, At, Result, World
from test_bad_input import tree
from test_ledger import broken, spend

from privxray.privacy import accountant
from privxray.system.walls import Walls
from privxray.workflow.upkeep import check_machine as machine


def checks(result: Result) -> dict[str, dict[str, str]]:
    """By check, the worst of its findings."""
    order = ("ok", "notice", "error")
    found: dict[str, dict[str, str]] = {}
    for one in result.json["checks"]:
        before = found.get(one["check"])
        if before is None or order.index(one["result"]) > order.index(before["result"]):
            found[one["check"]] = one
    return found


def wrong(result: Result) -> set[str]:
    return {name for name, one in checks(result).items() if one["result"] == "error"}


@pytest.mark.parametrize("stage", ["initialised", "ingested", "trained", "exported", "aggregated"])
@pytest.mark.parametrize("party", ["hospital-a", "coordinator"])
def test_a_workspace_in_order_has_nothing_wrong_and_stays_as_it_is(at: At, stage: str, party: str) -> None:
    world = at(stage)
    before = tree(world[party])
    result = world.type(party, "doctor", "--json")
    assert result.code == 0, result.out
    assert wrong(result) == set()
    assert {"keys", "permissions", "state", "plans", "disk", "clock", "packages", "accountant"} <= set(
        checks(result)
    )
    assert ("ledger and updates" in checks(result)) == (party == "hospital-a")
    assert tree(world[party]) == before
    printed = world.type(party, "doctor")
    assert len(printed.out.splitlines()) == len(result.json["checks"])
    assert all(line.split()[0] in ("ok", "notice") for line in printed.out.splitlines())


def _readable(world: World) -> None:
    (world["hospital-a"] / "ledger.db").chmod(0o644)


def _other_plan(world: World) -> None:
    plan = next((world["hospital-a"] / "plans").glob("*.plan"))
    plan.write_bytes(plan.read_bytes()[:-1])


def _bad_state(world: World) -> None:
    path = world["hospital-a"] / "state.db"
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 3] = os.urandom(4096 * 2)
    path.write_bytes(data)


def _folders(mode: int, *parts: str) -> Callable[[World], None]:
    def harm(world: World) -> None:
        for part in parts:
            (world["hospital-a"] / part).chmod(mode)

    return harm


TROUBLE: dict[str, tuple[Callable[[World], Any], str, str]] = {
    "a ledger that others may read": (_readable, "permissions", "chmod"),
    "a folder of keys that others may enter": (_folders(0o755, "keys"), "permissions", "chmod -R go= keys"),
    "folders that everybody may change": (
        _folders(0o777, "keys", "updates", "rounds"),
        "permissions",
        "chmod -R go= keys rounds",
    ),
    "a folder of updates that everybody may change": (
        _folders(0o777, "updates"),
        "permissions",
        "chmod go-w -R updates",
    ),
    "a card that everybody may change": (
        _folders(0o666, "hospital-a.card"),
        "permissions",
        "chmod go-w -R hospital-a.card",
    ),
    "no ledger": (lambda w: (w["hospital-a"] / "ledger.db").unlink(), "ledger", "backup"),
    "a broken chain": (lambda w: broken(w["hospital-a"] / "ledger.db"), "ledger", "untouched ledger"),
    "no identity": (lambda w: (w["hospital-a"] / "keys/identity.key").unlink(), "keys", "backup"),
    "a damaged plan": (_other_plan, "plans", ""),
    "a damaged state": (_bad_state, "state", "backup"),
    "no state": (lambda w: (w["hospital-a"] / "state.db").unlink(), "state", "backup"),
    "no update where one was exported": (
        lambda w: next(w["hospital-a"].glob("rounds/*/update.enc")).unlink(),
        "results",
        "backup",
    ),
    "data that is no database": (
        lambda w: (w["hospital-a"] / "data/data.db").write_bytes(b"x" * 9000),
        "data set",
        "backup",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_is_found_by_its_name_with_what_to_do(at: At, name: str) -> None:
    world = at("exported")
    harm, check, advice = TROUBLE[name]
    harm(world)
    before = tree(world["hospital-a"])
    result = world.type("hospital-a", "doctor", "--json")
    assert result.code == 3, result.out
    assert check in wrong(result)
    assert advice in checks(result)[check]["advice"]
    assert tree(world["hospital-a"]) == before
    assert PATIENT not in result.out + result.err
    printed = world.type("hospital-a", "doctor")
    assert printed.code == 3
    assert any(line.startswith(f"error   {check}: ") for line in printed.out.splitlines())
    assert "Traceback" not in printed.err


def test_a_workspace_that_everybody_may_change_is_not_opened(at: At) -> None:
    """After chmod 777 on all folders, `doctor` said that nothing was wrong."""
    world = at("exported")
    for path in (world["hospital-a"], *world["hospital-a"].rglob("*")):
        if path.is_dir():
            path.chmod(0o777)
    for words in (("doctor",), ("status",), ("export-update",), ("inspect", "hospital-a.card")):
        result = world.type("hospital-a", *words, "--json")
        assert (result.code, result.json["error"]["reason"]) == (4, "workspace.open-to-others"), words
    world["hospital-a"].chmod(0o700)
    assert wrong(world.type("hospital-a", "doctor", "--json")) == {"permissions"}


def test_no_workspace_is_made_where_everybody_may_write(at: At) -> None:
    world = at("initialised")
    folder = world.root / "open" / "clinic"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o777)
    words = ("init", "--role", "hospital", "--name", "clinic", "--json")
    result = world.type("open/clinic", *words, asks=True)
    assert (result.code, result.json["error"]["reason"]) == (4, "workspace.open-to-others")
    assert not list(folder.iterdir())
    folder.parent.chmod(0o755)
    world.ok("open/clinic", *words[:-1], asks=True)


def test_a_ledger_that_is_older_than_state_and_updates_is_found_by_both(at: At) -> None:
    world = at("trained")
    old = world.root / "old.db"
    shutil.copy(world["hospital-a"] / "ledger.db", old)
    spend(world["hospital-a"], 1)
    world.ok("hospital-a", "export-update", asks=True)
    shutil.copy(old, world["hospital-a"] / "ledger.db")
    found = world.type("hospital-a", "doctor", "--json")
    assert wrong(found) == {"ledger and updates"}  # it holds the training that the state knows of
    assert "update of round 1 of pneumonia" in checks(found)["ledger and updates"]["what"]
    assert "ledger.db" in checks(found)["ledger and updates"]["advice"]


def test_a_snapshot_is_found_by_an_update_from_elsewhere(at: At) -> None:
    world = at("trained")
    snapshot = world.root / "before"
    shutil.copytree(world["hospital-a"], snapshot)
    spend(world["hospital-a"], 1)
    stick = world.root / "stick"
    stick.mkdir()
    shutil.copy(world.ok("hospital-a", "export-update", asks=True)["update"], stick / f"{PATIENT}.enc")
    shutil.rmtree(world["hospital-a"])
    shutil.copytree(snapshot, world["hospital-a"])
    assert world.type("hospital-a", "doctor").code == 0  # nothing here tells; that is the limit of it
    for given in (stick, stick / f"{PATIENT}.enc"):
        found = world.type("hospital-a", "doctor", given, "--json")
        assert wrong(found) == {"ledger and updates"}
        assert PATIENT not in found.out + found.err
    assert world.type("hospital-a", "doctor", stick / "absent.enc").code == 1


def test_a_state_of_an_older_version_is_looked_at_and_left_alone(at: At) -> None:
    world = at("exported")
    path = world["hospital-a"] / "state.db"
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE setting")
    before = path.read_bytes()
    result = world.type("hospital-a", "doctor", "--json")
    assert result.code == 0, result.out
    assert path.read_bytes() == before


def test_leftovers_a_journal_and_another_command_are_notices(at: At) -> None:
    world = at("exported")
    (world["hospital-a"] / ".plan-0001.plan.abc.tmp").write_bytes(b"half")
    (world["hospital-a"] / "ledger.db-journal").write_bytes(b"as a kill leaves it")
    result = world.type("hospital-a", "doctor", "--json")
    assert result.code == 0
    assert checks(result)["leftovers"]["result"] == checks(result)["ledger"]["result"] == "notice"
    assert (world["hospital-a"] / "ledger.db-journal").exists()


def test_the_machine_is_looked_at(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("initialised")
    ahead = time.time() + 3 * 86400
    os.utime(world["hospital-a"] / "ledger.db", (ahead, ahead))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    real = machine.metadata.version
    monkeypatch.setattr(machine.metadata, "version", lambda name: "0.1" if name == "scipy" else real(name))
    monkeypatch.setattr(accountant, "epsilon", lambda *_, **__: 0.5)
    monkeypatch.setattr(machine, "walls_here", lambda: Walls(0, seccomp=True))
    found = checks(world.type("hospital-a", "doctor", "--json"))
    assert found["walls"]["result"] == "notice"
    assert "without Landlock, which" in found["walls"]["what"]
    assert found["clock"]["result"] == "notice"
    assert found["disk"]["result"] == found["accountant"]["result"] == "error"
    assert "scipy" in found["packages"]["what"]


@pytest.mark.parametrize(
    ("walls", "says"),
    [
        (Walls(7, seccomp=True), "behind Landlock and seccomp"),
        (Walls(1, seccomp=False), "without seccomp, which"),
        (Walls(0, seccomp=False), "without Landlock and seccomp, which"),
    ],
)
def test_which_walls_there_are(monkeypatch: pytest.MonkeyPatch, walls: Walls, says: str) -> None:
    monkeypatch.setattr(machine, "walls_here", lambda: walls)
    told = machine._walls()
    assert says in told.what
    assert told.level == ("ok" if walls.landlock > 1 else "notice")


def test_an_extra_that_is_not_installed_is_a_notice(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    world = at("initialised")

    def version(name: str, real: Callable[[str], str] = machine.metadata.version) -> str:
        if name == "rapidocr":
            raise machine.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(machine.metadata, "version", version)
    found = world.type("hospital-a", "doctor", "--json")
    assert found.code == 0
    assert "pip install privxray[ocr]" in checks(found)["packages"]["advice"]


def test_it_needs_neither_torch_nor_pydicom(at: At) -> None:
    world = at("exported")
    code = (
        "import sys; from privxray.cli.app import run; code = run(['-C', sys.argv[1], 'doctor', '--json']);"
        "heavy = {'torch', 'pydicom', 'opacus', 'matplotlib'} & set(sys.modules);"
        "print(sorted(heavy), code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(world["hospital-a"])], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip().splitlines()[-1] == "[] 0"
    assert json.loads(done.stdout)["errors"] == 0
