"""The child process that computes on a stranger's ciphertexts: its limits, and how its end is told."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged_files import refused
from inference_heads import NOISE, a_head, asked, owner_of, scores_of, unit_rows

from privxray.errors import MalformedError
from privxray.inference import sandbox, wire
from privxray.inference.hospital_side import Asking, decrypt
from privxray.inference.terms import Terms
from privxray.inference.wire import Question
from privxray.system import child
from privxray.system.walls import walls_here

FEATURES = 96
ROWS = unit_rows(2, FEATURES)
OWNER = owner_of(a_head())


@pytest.fixture(scope="module")
def asking() -> tuple[Asking, Question]:
    return asked(OWNER, ROWS)


@pytest.fixture(scope="module")
def question(asking: tuple[Asking, Question]) -> Question:
    return asking[1]


def test_the_child_gives_the_same_scores_and_runs_nothing_of_the_current_folder(
    asking: tuple[Asking, Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy.py", "json.py", "privxray.py"):
        (tmp_path / name).write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    told = wire.read_answer(sandbox.evaluate(OWNER, asking[1], 2), OWNER.layout, 2)
    scores = decrypt(told, OWNER.layout, NOISE, asking[0].secret)
    error = np.abs(scores - scores_of(OWNER.head, ROWS))
    assert 0.1 * NOISE < error.max() < 6 * NOISE


def test_the_child_answers_on_the_terms_of_the_offer() -> None:
    """Six decimals are told from three by the noise, and top1 by its factor."""
    plain = scores_of(OWNER.head, ROWS)
    found = []
    for terms in (Terms(decimals=6), Terms(top1=True)):
        owner = owner_of(a_head(), terms)
        kept, question = asked(owner, ROWS)
        answer = wire.read_answer(sandbox.evaluate(owner, question, 2), owner.layout, 2)
        found.append(decrypt(answer, owner.layout, terms.noise, kept.secret))
    assert np.abs(found[0] - plain).max() < 6 * Terms(decimals=6).noise
    factors = (found[1] * plain).sum(axis=1) / (plain * plain).sum(axis=1)
    assert abs(factors[0] - factors[1]) > 0.001  # one factor an image, each drawn anew


# A child that does not end well


def ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Another module is the child: the same command, and other code."""
    (tmp_path / "another_child.py").write_text(f"import os, sys, time\n{code}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sandbox, "_MODULE", "another_child")


GOOD = OWNER.layout.answer_bytes(2)


def writes(fill: str, length: int) -> str:
    return f"sys.stdout.buffer.write({fill} * {length}); sys.stdout.flush()"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.exit(1)", "inference.ended-early"),
        (writes(r"b'\1'", GOOD) + "; os._exit(7)", "inference.ended-early"),
        ("os.kill(os.getpid(), 9)", "inference.ended-early"),
        ("sys.exit(11)", "inference.ended-early"),
        ("pass", "inference.bad-result"),
        (writes(r"b'\1'", GOOD - 1), "inference.bad-result"),
        (writes(r"b'\1'", GOOD // 2), "inference.bad-result"),
        (writes(r"b'\1'", GOOD + 1), "inference.bad-result"),
        (writes(r"b'\xff'", GOOD), "inference.bad-result"),
    ],
)
def test_a_child_that_does_not_end_well_is_told_apart(
    question: Question,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    reason: str,
) -> None:
    ends(monkeypatch, tmp_path, code)
    with refused(reason):
        sandbox.evaluate(OWNER, question, 2)


def test_a_child_that_is_not_there_is_told_as_trouble(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_MODULE", "privxray.no_such_module")
    with refused("inference.ended-early"):
        sandbox.evaluate(OWNER, question, 2)


def test_a_child_that_takes_too_long_is_ended(
    question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times its processor time: 60 seconds and a half for each result."""
    asked_for: list[float] = []
    real = child.run

    def run(*given: Any) -> child.Said:
        *others, seconds = given
        asked_for.extend([int(others[0][-1]), seconds])
        return real(*others, 0.5)

    ends(monkeypatch, tmp_path, "time.sleep(60)")
    monkeypatch.setattr(child, "run", run)
    with refused("inference.too-slow"):
        sandbox.evaluate(OWNER, question, 2)
    assert asked_for == [63, 252]


def test_a_child_that_never_stops_writing_takes_no_memory_here(
    question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended at the first byte too many; what it writes to stderr is not kept at all."""
    ends(monkeypatch, tmp_path, "while True: os.write(2, bytes(1 << 16)); os.write(1, bytes(1 << 16))")
    with refused("inference.bad-result"):
        sandbox.evaluate(OWNER, question, 2)
    said = child.run([sys.executable, "-m", "another_child"], child.environment(), b"", 1000, 60)
    assert (len(said.output), said.code) == (1001, -signal.SIGKILL)


# What it may do


def test_the_child_knows_few_variables_and_not_where_a_passphrase_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRIVXRAY_PASSPHRASE_FILE", "/stick/passphrase")
    monkeypatch.setenv("LANG", "C.UTF-8")
    told = child.environment(OMP_NUM_THREADS="1")
    assert "/stick/passphrase" not in told.values()
    assert told["LANG"] == "C.UTF-8"
    assert told["OMP_NUM_THREADS"] == "1"
    assert set(told) <= {*child._KEPT, "PYTHONPATH", "OMP_NUM_THREADS"}


def limited(code: str, seconds: int = 60) -> subprocess.CompletedProcess[bytes]:
    line = f"from privxray.inference.sandbox import _limit; _limit({seconds}); {code}"
    return subprocess.run([sys.executable, "-c", line], capture_output=True, check=False, timeout=300)


LIMITS = "import json, resource as r; print(json.dumps([r.getrlimit(n) for n in (r.RLIMIT_AS, r.RLIMIT_CPU, "
LIMITS += "r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)]))"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no limit of address space")
def test_the_limits_of_the_child() -> None:
    """1 GiB of memory, 64 MiB in a file, 64 files, no core dump; nothing that it could raise again."""
    told = json.loads(limited(LIMITS, 9).stdout)
    assert told == [[most, most] for most in (1 << 30, 9, 64 << 20, 64, 0)]
    lower = (
        "import resource as r; r.setrlimit(r.RLIMIT_CPU, (5, 5)); r.setrlimit(r.RLIMIT_NOFILE, (32, 32)); "
    )
    line = f"{lower}from privxray.inference.sandbox import _limit; _limit(9); {LIMITS}"
    found = subprocess.run([sys.executable, "-c", line], capture_output=True, check=True)
    assert [limit[0] for limit in json.loads(found.stdout)] == [1 << 30, 5, 64 << 20, 32, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't show a process's limits")
def test_the_child_limits_itself_before_it_reads_its_job() -> None:
    """And what is no job ends it without an answer."""
    command = [sys.executable, "-P", "-m", sandbox._MODULE, "9"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        limits = Path(f"/proc/{child.pid}/limits")
        until = time.monotonic() + 300
        while not re.search(r"Max cpu time +9 +9 ", limits.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        assert re.search(r"Max cpu time +9 +9 ", limits.read_text())
        assert re.search(r"Max address space +1073741824 +1073741824 ", limits.read_text())
        out, _ = child.communicate(b"no job")
    assert (child.returncode, out) == (1, b"")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 1),
        (ValueError(), 1),
        (OSError(), 1),
        (MalformedError("", reason="rlwe.other-length"), 1),
    ],
)
def test_the_child_ends_at_once_with_a_code_for_what_went_wrong(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    ends: list[int] = []
    monkeypatch.setattr(sandbox, "_limit", ends.append)
    monkeypatch.setattr(sandbox, "_work", fail)
    monkeypatch.setattr(sandbox, "_rehearse", lambda: None)
    monkeypatch.setattr(sandbox, "raise_walls", lambda: None)
    monkeypatch.setattr(sys, "argv", ["sandbox", "9"])
    monkeypatch.setattr("os._exit", ends.append)
    sandbox._main()
    assert ends == [9, code]


def test_a_limit_that_can_t_be_set_ends_the_child_on_linux_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no limit of address space, and refuses to set one."""
    import resource

    def refuse(*_: object) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(sys, "platform", "darwin")
    sandbox._limit(1)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ValueError, match="not allowed"):
        sandbox._limit(1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no limit of address space")
def test_the_child_can_take_neither_memory_nor_time_nor_disk(tmp_path: Path) -> None:
    assert b"MemoryError" in limited("bytearray(3 << 30)").stderr
    assert limited("\nwhile True: pass", 1).returncode < 0
    wrote = limited(f"open({str(tmp_path)!r} + '/f', 'wb').write(bytes(100 << 20))")
    assert wrote.returncode != 0


@pytest.mark.skipif(not walls_here().seccomp, reason="this machine has no seccomp")
@pytest.mark.parametrize(
    ("act", "ends"),
    [
        ("open('/etc/hostname')", "PermissionError"),
        ("mmap.mmap(-1, 4096, prot=7)", "PermissionError"),
        ("os.execv('/bin/true', ['true'])", -signal.SIGSYS),
        ("ctypes.CDLL(None).socket(2, 1, 0)", -signal.SIGSYS),
    ],
)
def test_the_child_tries_something_else_with_its_job(act: str, ends: str | int) -> None:
    """The real child, up to its job; then code of a stranger's instead of the computation."""
    line = (
        "import ctypes, mmap, os, sys\n"
        "from privxray.inference import sandbox\n"
        "real = sandbox._work\n"
        "def work(source, target):\n"
        "    if source is sys.stdin.buffer:\n"
        "        try:\n"
        f"            {act}\n"
        "        except BaseException as error:\n"
        "            os.write(1, type(error).__name__.encode())\n"
        "    else:\n"
        "        real(source, target)\n"
        "sandbox._work = work\n"
        "sandbox._main()\n"
    )
    command, alone = [sys.executable, "-c", line, "9"], child.environment(OMP_NUM_THREADS="1")
    done = subprocess.run(command, capture_output=True, check=False, timeout=300, env=alone)
    assert (done.stdout.decode() or done.returncode) == ends, done.stderr
