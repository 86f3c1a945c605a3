"""A few commands as a hospital types them, on every system; quick.sh runs them on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from played_study import PASSPHRASE, World

from privxray.system import private_files


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A hospital, in a folder with blanks and umlauts, with a passphrase file of a Windows editor."""
    world = World(tmp_path / "Klinik für Kinder")
    (world.root / "hospital-a").mkdir(parents=True)
    os.close(private_files.open_new(world.passphrase, private_files.PRIVATE))
    world.passphrase.write_bytes(b"\xef\xbb\xbf" + PASSPHRASE.encode() + b"\r\n")
    world.ok("hospital-a", "init", "--role", "hospital", "--name", "hospital-a", asks=True)
    return world


def test_a_workspace_is_made_and_in_order(world: World) -> None:
    told = world.ok("hospital-a", "doctor")
    assert {one["check"]: one["result"] for one in told["checks"]}["permissions"] == "ok"
    for name in ("keys/identity.key", "state.db", "ledger.db"):
        assert not private_files.others_may_read(world["hospital-a"] / name)
    world.passphrase.write_bytes(PASSPHRASE.encode())
    world.ok("hospital-a", "card", asks=True)  # without the byte order mark it is the same passphrase


def test_what_others_may_read_is_found(world: World) -> None:
    """A file that is put there takes over what its folder hands down; one from elsewhere may not."""
    path = world["hospital-a"] / "ledger.db"
    data = path.read_bytes()
    path.unlink()
    os.close(private_files.open_new(world.root / "public", private_files.PUBLIC))
    if private_files.others_may_read(world.root / "public"):
        (world.root / "public").write_bytes(data)
        (world.root / "public").replace(path)
        told = world.type("hospital-a", "doctor", "--json")
        assert told.code == 3
        (found,) = [one for one in told.json["checks"] if one["check"] == "permissions"]
        assert "ledger.db" in found["what"]
        assert found["advice"].startswith(("Type: chmod -R go= ledger.db", "Type: icacls . /inheritance:r"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["init", "--role", "hospital", "--name", "CON"], "init.reserved-name"),
        (["init", "--role", "hospital", "--name", "nul.txt"], "init.reserved-name"),
        (["join", "absent.plan"], "file.absent"),
        (["join", "hospital-a.card"], "file.other-kind"),
        (["train"], "study.none-joined"),
        (["check", "absent"], "check.absent"),
        (["plan", "a.card"], "workspace.other-role"),
        (["init", "--role", "hospital", "--name", "b/c"], "init.not-a-name"),
        (["init", "--role", "nurse", "--name", "b"], "usage"),
        (["card", "--patients-up-to", "7"], "usage"),
        (["ingest", "C:\\images", "--labels", "labels.csv"], "study.none-joined"),
        (["accept", "\\\\server\\share\\absent.model"], "file.absent"),
        (["accept", "hospital-a.card"], "accept.other-kind"),
        (["inspect", "ledger.db"], "file.not-privxray"),
        (["budget", "--steps", "0"], "budget.steps-out-of-range"),
        (["budget", "--study", "other"], "budget.unknown-study"),
        (["deidentify", "absent", "out"], "check.absent"),
        (["deidentify", ".", "out"], "copies.no-image"),
        (["model", "export", "C:\\absent.model", "--onnx", "x.onnx"], "model.no-such-file"),
        (["infer", "ask", "x.png", "--offer", "absent.offer"], "file.absent"),
    ],
)
def test_a_wrong_input_is_one_line(world: World, words: list[str], reason: str) -> None:
    told = world.type("hospital-a", *words, "--json")
    assert told.json["error"]["reason"] == reason
    assert told.code == told.json["exit_code"]
    assert told.err.count("\n") == 1
    assert "Traceback" not in told.err


def test_without_a_terminal_nothing_is_asked(world: World) -> None:
    """Windows calls the device NUL a terminal."""
    line = [sys.executable, "-m", "privxray", "-C", str(world["hospital-a"]), "card"]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--passphrase-file" in done.stderr
