"""The command keeps its memory private before it loads anything that could hold a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import ctypes, json, resource, runpy, sys

def look(what):
    told.append([what, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0]])

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ("privxray.cli", "privxray.keys", "pydantic", "cryptography"):
            look(name)

told = []
look("start")
sys.meta_path.insert(0, Finder())
sys.argv = ["privxray", "--version"]
try:
    runpy.run_module("privxray", run_name="__main__")
except SystemExit:
    pass
look("end")
print(json.dumps(told))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell")


@linux
def test_from_the_first_instruction() -> None:
    """The limit is raised first as far as it goes, as a system may do that keeps core dumps."""
    done = subprocess.run(
        ["bash", "-c", 'ulimit -c hard; exec "$0" "$@"', sys.executable, "-c", LOOK],
        capture_output=True,
        text=True,
        check=True,
    )
    (first, *others) = json.loads(done.stdout.splitlines()[-1])
    assert first[:2] == ["start", 1]
    assert next(one[0] for one in others) == "privxray.cli"
    assert others[-1][0] == "end"
    assert {(dumpable, core) for _, dumpable, core in others} == {(0, 0)}


@linux
def test_no_core_is_left_by_a_crash(tmp_path: Path) -> None:
    """And without it one would be, where this machine writes cores into the current folder."""
    crash = "import os, sys; from privxray.system import process_memory as m; {}; os.abort()"
    left = []
    for before in ("pass", "m.keep_private()"):
        folder = tmp_path / str(len(left))
        folder.mkdir()
        subprocess.run(
            ["bash", "-c", 'ulimit -c unlimited; exec "$0" "$@"', sys.executable, "-c", crash.format(before)],
            cwd=folder,
            capture_output=True,
            check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        left.append(len(list(folder.iterdir())))
    assert left[1] == 0
    if not left[0]:
        pytest.skip("this machine writes no cores into the current folder")


@linux
def test_the_children_that_compute_are_private_too() -> None:
    """A program that is started is dumpable again, so each child says it for itself."""
    code = "import ctypes; from privxray.system import limits; limits.{}; "
    for call in ("limit_worker(1 << 30)", "limit_this_process(limits.Limits(1 << 32))"):
        line = code.format(call) + "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
        done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
        assert done.stdout == "0\n"
