"""The child process that computes on a stranger's ciphertexts: its limits, and how its end is told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tenseal", reason="the extra privxray[inference] is not installed")

from forged_files import refused
from inference_heads import NOISE, a_head, asked, scores_of, unit_rows

from privxray.errors import MalformedError
from privxray.inference import parameters, sandbox, wire
from privxray.inference.hospital_side import HospitalCipher, HospitalKeys, make_keys
from privxray.inference.owner_side import Head
from privxray.inference.parameters import Layout
from privxray.inference.scheme import Scheme
from privxray.inference.terms import Terms
from privxray.inference.wire import EvaluationKeys, Residues
from privxray.system import child

FEATURES = 96
LAYOUT = Layout(FEATURES, 3)


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return Scheme()


@pytest.fixture(scope="module")
def hospital(scheme: Scheme) -> HospitalKeys:
    return make_keys(scheme, FEATURES)


@pytest.fixture(scope="module")
def keys(hospital: HospitalKeys) -> EvaluationKeys:
    return wire.read_evaluation_keys(hospital.evaluation, FEATURES)


@pytest.fixture(scope="module")
def query(scheme: Scheme, hospital: HospitalKeys) -> Residues:
    return asked(scheme, hospital, unit_rows(2, FEATURES), LAYOUT)


def test_the_child_gives_the_same_scores_and_runs_nothing_of_the_current_folder(
    scheme: Scheme,
    hospital: HospitalKeys,
    keys: EvaluationKeys,
    query: Residues,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("numpy.py", "json.py", "privxray.py", "tenseal.py"):
        (tmp_path / name).write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    results = sandbox.evaluate(a_head(), keys, query, Terms())
    scores = HospitalCipher(scheme, hospital.secret).decrypt(results, LAYOUT, NOISE)
    error = np.abs(scores - scores_of(a_head(), unit_rows(2, FEATURES)))
    assert 0.1 * NOISE < error.max() < 6 * NOISE


def test_the_child_answers_on_the_terms_of_the_offer(
    scheme: Scheme, hospital: HospitalKeys, keys: EvaluationKeys, query: Residues
) -> None:
    """Six decimals are told from three by the noise, and top1 by its factor."""
    cipher, plain = HospitalCipher(scheme, hospital.secret), scores_of(a_head(), unit_rows(2, FEATURES))
    exact = cipher.decrypt(sandbox.evaluate(a_head(), keys, query, Terms(decimals=6)), LAYOUT, 1.0)
    assert np.abs(exact - plain).max() < 6 * Terms(decimals=6).noise
    blurred = cipher.decrypt(sandbox.evaluate(a_head(), keys, query, Terms(top1=True)), LAYOUT, 1.0)
    factors = (blurred * plain).sum(axis=1) / (plain * plain).sum(axis=1)
    assert abs(factors[0] - factors[1]) > 0.001  # one factor an image, each drawn anew


def test_keys_of_somebody_else_give_an_answer_that_is_refused(
    scheme: Scheme, hospital: HospitalKeys, keys: EvaluationKeys, query: Residues
) -> None:
    """Residues within their primes that are no keys at all: nothing breaks, and nothing is believed."""
    limits = np.array(parameters.PRIMES, np.uint64)[:, None]
    made_up = np.random.default_rng(0).integers(0, limits, keys.rotation.shape, np.uint64)
    results = sandbox.evaluate(a_head(), EvaluationKeys(keys.public, made_up), query, Terms())
    with refused("answer.not-decryptable"):
        HospitalCipher(scheme, make_keys(scheme, 1).secret).decrypt(results, LAYOUT, NOISE)


def test_what_the_library_refuses_is_malformed(keys: EvaluationKeys, query: Residues) -> None:
    """SEAL raises where a product would be zero: with such a ciphertext or, here, with such a head."""
    with refused("query.not-computable"):
        sandbox.evaluate(Head(np.zeros((3, FEATURES)), np.zeros(3)), keys, query, Terms())


# A child that does not end well


def ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Another module is the child: the same command, and other code."""
    (tmp_path / "another_child.py").write_text(f"import os, sys, time\n{code}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sandbox, "_MODULE", "another_child")


GOOD = 2 * parameters.ANSWER_BYTES  # of two images, one result each


def writes(fill: str, length: int) -> str:
    return f"sys.stdout.buffer.write({fill} * {length}); sys.stdout.flush()"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.exit(1)", "inference.ended-early"),
        (writes(r"b'\1'", GOOD) + "; os._exit(7)", "inference.ended-early"),
        ("os.kill(os.getpid(), 9)", "inference.ended-early"),
        ("sys.exit(11)", "query.not-computable"),
        ("pass", "inference.bad-result"),
        (writes(r"b'\1'", GOOD - 1), "inference.bad-result"),
        (writes(r"b'\1'", GOOD // 2), "inference.bad-result"),
        (writes(r"b'\xff'", GOOD), "inference.bad-result"),
        (writes(r"b'\0'", GOOD), "inference.bad-result"),
    ],
)
def test_a_child_that_does_not_end_well_is_told_apart(
    keys: EvaluationKeys,
    query: Residues,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    reason: str,
) -> None:
    ends(monkeypatch, tmp_path, code)
    with refused(reason):
        sandbox.evaluate(a_head(), keys, query, Terms())


def test_a_child_that_is_not_there_is_told_as_trouble(
    keys: EvaluationKeys, query: Residues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_MODULE", "privxray.no_such_module")
    with refused("inference.ended-early"):
        sandbox.evaluate(a_head(), keys, query, Terms())


def test_a_child_that_takes_too_long_is_ended(
    keys: EvaluationKeys, query: Residues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times its processor time: 60 seconds and 5 for each image."""
    asked_for: dict[str, object] = {}

    def run(command: list[str], **options: object) -> None:
        asked_for.update(options, seconds=command[-1])
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", run)
    with refused("inference.too-slow"):
        sandbox.evaluate(a_head(), keys, query, Terms())
    assert asked_for["seconds"] == "70"
    assert asked_for["timeout"] == 280
    assert asked_for["check"] is False  # an exit code is looked at here


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


def limited(code: str, seconds: int = 1) -> subprocess.CompletedProcess[bytes]:
    line = f"from privxray.inference.sandbox import _limit; _limit({seconds}); {code}"
    return subprocess.run([sys.executable, "-c", line], capture_output=True, check=False, timeout=60)


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
    """And what is no job ends it with the code for ciphertexts that can't be used."""
    command = [sys.executable, "-P", "-m", sandbox._MODULE, "9"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        limits = Path(f"/proc/{child.pid}/limits")
        until = time.monotonic() + 60
        while not re.search(r"Max cpu time +9 +9 ", limits.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        assert re.search(r"Max cpu time +9 +9 ", limits.read_text())
        assert re.search(r"Max address space +1073741824 +1073741824 ", limits.read_text())
        out, _ = child.communicate(b"no job")
    assert (child.returncode, out) == (MalformedError.exit_code, b"")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 1),
        (ValueError(), 11),
        (RuntimeError(), 11),
        (MalformedError("", reason="ckks.zero-key"), 11),
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
    assert limited("\nwhile True: pass").returncode < 0
    wrote = limited(f"open({str(tmp_path)!r} + '/f', 'wb').write(bytes(100 << 20))")
    assert wrote.returncode != 0
