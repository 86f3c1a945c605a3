"""Locks, atomic writes and private files, as every system has them.

They run a second time without ``fcntl`` (tests/unit/test_system.py), and a third time with a Windows Python
(tests/windows).
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from forged_files import refused

from privxray.system import locks, private_files
from privxray.workspace.atomic import atomic_file, make_private_folder, sweep, write_atomic
from privxray.workspace.config import Config
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.state import State

HOLDS = """
import sys
if {posixless}: import posixless
from pathlib import Path
from privxray.system import locks
with locks.exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    code = HOLDS.format(posixless="posixless" in sys.modules)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    assert not locks.is_locked(path)
    with holder(path) as other:
        assert locks.is_locked(path)
        assert locks.is_locked(path)  # asking takes nothing
        with pytest.raises(locks.LockedError), locks.exclusive(path):
            pass
        other.kill()
    assert not locks.is_locked(path)
    with locks.exclusive(path):
        pass
    with locks.exclusive(path):
        pass


def test_a_workspace_is_one_commands_at_a_time(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, Config(role="hospital", name="hospital-a"))
    (tmp_path / ".plan.abc.tmp").write_bytes(b"half")
    with holder(workspace.lock_path) as other:
        with refused("workspace.busy"), workspace.locked():
            pass
        other.kill()
    assert (tmp_path / ".plan.abc.tmp").exists()
    with working(workspace) as session, session.state.transaction():
        session.state.set_setting("colour", "blue")
    assert not (tmp_path / ".plan.abc.tmp").exists()
    with working(Workspace.find(tmp_path)) as session:
        assert session.state.setting("colour") == "blue"


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with suppress(ZeroDivisionError), atomic_file(path) as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    write_atomic(path, b"one\n\r\n\x1a")
    assert path.read_bytes() == b"one\n\r\n\x1a"  # no byte is made another, as text mode would
    with refused("file.exists"):
        write_atomic(path, b"two")
    write_atomic(path, b"three", overwrite=True)
    assert path.read_bytes() == b"three"
    with refused("file.exists"), atomic_file(tmp_path / "late") as stream:
        (tmp_path / "late").write_bytes(b"came first")
        stream.write(b"came second")
    assert (tmp_path / "late").read_bytes() == b"came first"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "late"]
    (tmp_path / ".file.123.tmp").write_bytes(b"half")
    sweep(tmp_path)
    assert not (tmp_path / ".file.123.tmp").exists()


def test_private_is_private_and_public_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "keys"
    make_private_folder(folder)
    make_private_folder(folder)
    write_atomic(folder / "key", b"secret")
    private_files.make_file(folder / "state.db")
    private_files.make_file(folder / "state.db")
    for path in (folder / "key", folder / "state.db"):
        assert not private_files.others_may_read(path)
        assert not private_files.is_of_another_account(path)
    write_atomic(tmp_path / "card", b"for all", mode=private_files.PUBLIC)
    assert private_files.others_may_read(tmp_path / "card")


def test_a_state_keeps_what_was_written(tmp_path: Path) -> None:
    with State(tmp_path / "ö state.db") as state, state.transaction():
        state.set_setting("colour", "blue")
    with State(tmp_path / "ö state.db", read_only=True) as state:
        assert state.setting("colour") == "blue"
    assert not private_files.others_may_read(tmp_path / "ö state.db")
