"""The walls around the process that computes on a stranger's file: what is tried behind them does not work.

One process of Python is started. It makes a child for each act, which raises the walls and then tries it.
Which calls a filter lets through, on which processor: test_system_calls.py.
"""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from privxray.system import walls
from privxray.system.walls import Walls, raise_walls, walls_here

HERE = walls_here()
linux = pytest.mark.skipif(not HERE.landlock and not HERE.seccomp, reason="this machine has no walls")
filtered = pytest.mark.skipif(not HERE.seccomp, reason="this machine has no seccomp")
landlocked = pytest.mark.skipif(not HERE.landlock, reason="this machine has no Landlock")

ACTS = {
    "nothing": "pass",
    "compute": "bytearray(10_000_000); os.urandom(100); time.monotonic(); sys.stdout.flush()",
    "memory": "mmap.mmap(-1, 4096)",
    "memory to run": "mmap.mmap(-1, 4096, prot=7)",
    "memory to run, later": "call(libc.mprotect(page, 4096, 5))",
    "a thread": "t = threading.Thread(target=lambda: None); t.start(); t.join()",
    "write to what is open": "os.write(kept, b'x'); os.lseek(kept, 0, 0)",
    "read a file": "open('/etc/hostname').read()",
    "list a folder": "os.listdir('/')",
    "write a file": "open(folder + '/new', 'w')",
    "write over a file": "os.open(folder + '/there', os.O_RDWR)",
    "remove a file": "os.unlink(folder + '/there')",
    "move a file": "os.rename(folder + '/there', folder + '/gone')",
    "make a folder": "os.mkdir(folder + '/made')",
    "a socket": "call(libc.socket(2, 1, 0))",
    "a connection": "call(libc.connect(near, b'\\2\\0\\0\\11\\177\\0\\0\\1' + bytes(8), 16))",
    "run a program": "os.execv('/bin/true', ['true'])",
    "start a process": "os.fork()",
    "signal its parent": "os.kill(os.getppid(), 0)",
    "watch its parent": "call(libc.ptrace(16, os.getppid(), 0, 0))",
    "take more rights": "os.setuid(0) if os.getuid() else os.setgroups([])",
    "change its priority": "os.nice(1)",
}

SCRIPT = """
import ctypes, json, mmap, os, sys, threading, time
from privxray.system.walls import _raise_filter, _raise_landlock, raise_walls, walls_here
from privxray.system.walls import MACHINES, _SET_NO_NEW_PRIVILEGES

folder, which, acts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
kept = os.open(folder + "/there", os.O_RDWR)
near = libc.socket(2, 1, 0)  # by the C library: the tests forbid Python to use sockets
page = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(mmap.mmap(-1, 4096))))
told = {}

def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")

for name, act in acts.items():
    child = os.fork()
    if child == 0:
        try:
            if which == "both":
                raise_walls()
            else:
                libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
                _raise_landlock(walls_here().landlock)
            exec(act)
        except OSError as error:
            os._exit(error.errno)
        except BaseException as error:
            print(name, repr(error), file=sys.stderr)
            os._exit(255)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    told[name] = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("walls")
    (made / "there").write_text("kept")
    yield made
    assert sorted(path.name for path in made.iterdir()) == ["there"]
    assert (made / "there").read_text() == "xept"


def tried(folder: Path, which: str) -> dict[str, int]:
    """By act: 0 where it worked, the number of an error, or less a signal."""
    command = [sys.executable, "-c", SCRIPT, str(folder), which, json.dumps(ACTS)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=300)
    assert not done.stderr, done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    return told


WORKS = {"nothing", "compute", "memory", "a thread", "write to what is open"}
FAILS = {"read a file", "list a folder", "take more rights", "change its priority"}
FAILS |= {"memory to run", "memory to run, later"}
SYSTEM_CALL = -signal.SIGSYS if hasattr(signal, "SIGSYS") else 0


@filtered
def test_what_a_walled_process_tries_does_not_work(folder: Path) -> None:
    """It goes on computing; what is forbidden to everybody fails, and what no computation tries ends it."""
    told = tried(folder, "both")
    for name in ACTS:
        if name in WORKS:
            assert told[name] == 0, name
        elif name in FAILS:
            assert told[name] in (1, 13), name  # EPERM, EACCES
        else:
            assert told[name] == SYSTEM_CALL, name


@landlocked
def test_landlock_alone_shuts_files_off(folder: Path) -> None:
    """So a kernel without seccomp has this much."""
    told = tried(folder, "landlock")
    for name in ("read a file", "list a folder", "write a file", "write over a file", "remove a file",
                 "move a file", "make a folder", "run a program"):  # fmt: skip
        assert told[name] in (1, 13), name
    if HERE.landlock >= 4:
        assert told["a connection"] in (1, 13)
    if HERE.landlock >= 6:
        assert told["signal its parent"] == 1
    for name in WORKS:
        assert told[name] == 0, name


def test_a_machine_without_walls_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert raise_walls() == Walls(0, seccomp=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(walls, "_call", lambda *_: -1)  # an old kernel, or a container that forbids them
    assert raise_walls() == Walls(0, seccomp=False)
    monkeypatch.setattr(walls, "_call", lambda *_: 0)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert walls_here() == Walls(0, seccomp=False)


@linux
@pytest.mark.parametrize("result", [-1, 4711])
def test_a_wall_that_can_t_be_raised_is_an_error(monkeypatch: pytest.MonkeyPatch, result: int) -> None:
    """seccomp(2) returns the number of a thread that can't take the filter, and then no thread has it."""
    monkeypatch.setattr(walls, "walls_here", lambda: Walls(0, seccomp=True))
    monkeypatch.setattr(walls, "_expect_one_thread", lambda: None)
    monkeypatch.setattr(walls, "_call", lambda *_: result)
    monkeypatch.setattr(walls.ctypes, "CDLL", lambda *_, **__: type("C", (), {"prctl": lambda *_: 0}))
    with pytest.raises(OSError):
        raise_walls()


@linux
def test_walls_are_raised_before_other_threads_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """For Landlock would not hold for them."""
    monkeypatch.setattr(walls, "_call", lambda *_: 1)
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with pytest.raises(OSError, match="before other threads"):
            raise_walls()
    finally:
        done.set()
        other.join()
