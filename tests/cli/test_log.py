"""``--verbose`` and the log of a workspace: what they say and never say, and that they stop nothing."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

import pytest
from played_study import At, World

from privxray.cli import command_log
from privxray.cli.command_log import CommandLog
from privxray.errors import BudgetError

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (\d+) ([a-z -]+): (.+)")


def log_of(folder: Path) -> list[str]:
    """The lines of a workspace's log without their stamps."""
    lines = (folder / "log" / "privxray.log").read_text(encoding="utf-8").splitlines()
    parts = [LINE.fullmatch(line) for line in lines]
    assert all(parts), lines
    return [f"{part[3]}: {part[4]}" for part in parts if part]


def last_of(world: World, party: str) -> list[str]:
    """The lines of the command that was typed last."""
    lines = log_of(world[party])
    start = max(place for place, line in enumerate(lines) if ": begins (" in line)
    return lines[start:]


def test_a_training_is_logged_from_its_begin_to_its_end(at: At) -> None:
    world = at("trained")
    lines = [line for line in log_of(world["hospital-a"]) if line.startswith("train: ")]
    assert re.fullmatch(r"train: begins \(privxray [0-9.]+\S*;( --?[A-Za-z]+)+\)", lines[0])
    assert any(re.fullmatch(r"train: Computing features: [\d,]+ in [\d.]+ s", line) for line in lines)
    assert "train: round 1: joined -> trained" in lines
    assert re.fullmatch(r"train: ended with exit code 0, after [\d.]+ s", lines[-1])


def test_init_is_logged_in_the_workspace_that_it_made(at: At) -> None:
    world = at("initialised")
    first, *_, last = log_of(world["hospital-a"])
    assert first.startswith("init: begins (")
    assert any(line.startswith("init: ended with exit code 0") for line in log_of(world["hospital-a"]))
    assert last


def test_a_refusal_is_logged_by_its_reason_and_exit_code(at: At) -> None:
    world = at("trained")
    secret = "Mustermann-1971"
    result = world.type("hospital-a", "join", f"{secret}.plan")
    assert result.code == 1
    begun, ended = last_of(world, "hospital-a")
    assert begun.endswith("; -C)")
    assert re.fullmatch(r"join: ended with file\.absent, exit code 1, after [\d.]+ s", ended)
    assert secret not in "".join(log_of(world["hospital-a"]))


def test_files_are_logged_by_size_and_digest(at: At) -> None:
    world = at("exported")
    lines = [line for line in log_of(world["hospital-a"]) if line.startswith("export-update: wrote a file: ")]
    assert len(lines) == 1
    assert re.search(r"[\d,]+ bytes, SHA-256 [0-9a-f]{64}$", lines[0])
    assert any(re.match(r"join: took a file in: [\d,]+ bytes", line) for line in log_of(world["hospital-a"]))


def test_looking_at_the_status_changes_no_log(at: At) -> None:
    world = at("trained")
    before = log_of(world["hospital-a"])
    world.ok("hospital-a", "status")
    assert log_of(world["hospital-a"]) == before


def test_no_patient_file_or_passphrase_is_in_any_log(at: At) -> None:
    world = at("exported")
    told = "".join("".join(log_of(world[party])) for party in ("hospital-a", "hospital-b", "coordinator"))
    words = set(re.findall(r"[\w.-]+", told))
    assert "export-update" in words
    for image in (world["hospital-a"] / "source" / "images").iterdir():
        assert image.name not in words
    assert "hospital-a" not in told
    assert str(world["hospital-a"]) not in told


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permission bits")
def test_only_the_owner_reads_the_log(at: At) -> None:
    folder = at("initialised")["hospital-a"] / "log"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "privxray.log").stat().st_mode) == 0o600


def test_a_full_log_moves_on_and_four_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_log, "MOST_BYTES", 500)
    for _ in range(60):
        log = CommandLog("train", ("--epsilon",))
        log.keep_in(tmp_path)
        log.end(14, BudgetError("no", reason="budget.exceeded"))
    files = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert files == ["privxray.log", *(f"privxray.log.{number}" for number in range(1, 5))]
    assert all(path.stat().st_size <= 500 for path in (tmp_path / "log").iterdir())
    if sys.platform != "win32":
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "log").iterdir())


@pytest.mark.parametrize("obstacle", ["file", "pipe", "folder"])
def test_a_log_that_cannot_be_written_stops_nothing(at: At, obstacle: str) -> None:
    world = at("initialised")
    log = world["hospital-a"] / "log"
    (log / "privxray.log").unlink()
    if obstacle == "file":
        log.rmdir()
        log.touch()
    elif obstacle == "folder":
        (log / "privxray.log").mkdir()
    elif hasattr(os, "mkfifo"):
        os.mkfifo(log / "privxray.log")
    result = world.type("hospital-a", "budget")
    assert result.code == 0
    assert "Traceback" not in result.err


def test_verbose_tells_steps_and_notes_anywhere_on_the_line(at: At) -> None:
    world = at("trained")
    told = world.type("hospital-a", "export-update", "--verbose", asks=True)
    assert told.code == 0
    assert "round 1: trained -> exported" in told.err
    assert re.search(r"^wrote a file: [\d,]+ bytes, SHA-256 ", told.err, re.MULTILINE)
    again = world.type("hospital-a", "export-update", asks=True)
    assert "wrote a file" not in again.err
