"""A check on several machines as it is typed: the steps, what they refuse, and that a kill tears nothing."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from crash import killed_at
from played_study import Result, typed

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from shard_world import NUMBER, SENTINEL, make_set

import privxray.workflow.shards.check_results  # noqa: F401 - before the forks of the crash test
from privxray.cli.app import run

KEY = ("--key-file", "job.key")


@pytest.fixture
def job(tmp_path: Path) -> Path:
    os.chdir(tmp_path)
    make_set(tmp_path / "images")
    ok("check", "key", "job.key")
    return tmp_path


def ok(*words: str, code: int = 0) -> Result:
    result = typed(list(words))
    assert result.code == code, result.err
    assert SENTINEL.lower() not in (result.out + result.err).lower()
    assert NUMBER not in result.out + result.err
    return result


def terms(shard: str) -> Result:
    return ok("check", "terms", "images", "--shard", shard, *KEY, "--out", f"terms-{shard[0]}.part")


def test_the_report_is_that_of_one_run_byte_for_byte(job: Path) -> None:
    assert "check terms --merge" in terms("1/2").err
    terms("2/2")
    merged = ok("check", "terms", "--merge", "terms-1.part", "terms-2.part", *KEY, "--out", "all.terms")
    assert "--terms all.terms" in merged.err
    for shard in ("1", "2"):
        line = ["check", "images", "--shard", f"{shard}/2", "--terms", "all.terms", *KEY]
        done = ok(*line, "--out", f"part-{shard}.result", "--json")
        assert done.json == {"shard": f"{shard}/2", "files": 6, "files_of_all": 12, "before": False}
        assert ok(*line, "--out", f"part-{shard}.result", "--json").json["before"]
    written: dict[str, list[bytes]] = {}
    for name, line in {
        "one": ["check", "images"],
        "all": ["check", "--merge", "part-2.result", "part-1.result", *KEY],
    }.items():
        for how in ("--json", "--jsonl", "--quiet"):
            out = ok(*line, how, "--csv", "out.csv", "--report", "out.html", "--force", code=3)
            page = re.sub(rb"\d{4}-\d\d-\d\d \d\d:\d\d", b"", (job / "out.html").read_bytes())
            written.setdefault(name, []).extend([out.out.encode(), (job / "out.csv").read_bytes(), page])
    assert written["one"] == written["all"]
    assert b"leak" in written["one"][1]


def test_a_step_is_a_word_and_a_path_may_be_called_like_one(job: Path) -> None:
    (job / "terms").mkdir()
    (job / "terms" / "im1.png").write_bytes((job / "images/b/picture.png").read_bytes())
    assert "1 file checked" in ok("check", "terms").err
    assert "1 file checked" in ok("check", "./terms").err
    assert "Usage: privxray check terms" in ok("check", "terms", "--help").out
    # Where a folder of parts is called like the step, the option that every step needs tells them apart.
    line = ["check", "terms", "images", "--shard", "1/2", "--key-file=job.key", "--out", "terms/1.part"]
    assert "Shard 1/2 is done" in ok(*line).err
    (job / "terms" / "1.part").unlink()
    (job / "key").write_bytes((job / "images/b/picture.png").read_bytes())
    assert "2 files checked" in ok("check", "key", "terms").err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("images --shard 1/2 --terms all.terms --key-file job.key", "shard.option-missing"),
        ("images --shard 1/2 --key-file job.key --out a.part", "shard.terms"),
        ("--merge job.key --key-file job.key --terms all.terms", "shard.terms"),
        ("--merge job.key", "shard.option-missing"),
        ("images --key-file job.key", "shard.or-merge"),
        ("images --merge --shard 1/2 --key-file job.key", "shard.or-merge"),
        ("images --shard 3/2 --terms all.terms --key-file job.key --out a.part", "shard.not-one"),
        ("images --shard 1/2 --terms t --key-file job.key --out no/a.part", "file.no-folder"),
        ("images --shard 1/2 --terms t --key-file job.key --out a.part --csv a.csv", "shard.report-of-shard"),
        ("images --shard 1/2 --terms t --key-file job.key --out a.part --list", "shard.one-machine"),
        ("--merge job.key --key-file job.key --retain-uids", "shard.merge-options"),
        ("--merge job.key --key-file job.key", "part.strange"),
        ("--merge none.part --key-file job.key", "part.unread"),
        ("--merge none.part --key-file none.key", "job-key.unread"),
        ("terms --merge job.key --key-file job.key", "shard.option-missing"),
        ("terms --merge job.key --key-file job.key --out a --retain-uids", "shard.merge-options"),
        ("terms images --key-file job.key --out a", "shard.or-merge"),
        ("images --json --jsonl", "check.json-and-jsonl"),
    ],
)
def test_what_does_not_fit_together_is_refused(words: str, reason: str, job: Path) -> None:
    result = typed(["--verbose", "check", *words.split()])
    assert result.code != 0
    assert f"reason: {reason};" in result.err, result.err
    assert not (job / "a.part").exists()


@pytest.mark.slow
@pytest.mark.parametrize("step", ["terms", "result"])
def test_a_shard_that_is_killed_leaves_nothing_half_and_the_same_command_goes_on(
    step: str, job: Path
) -> None:
    lines = {"terms": ["check", "terms", "images", "--shard", "1/1", *KEY, "--out", "terms-1.part"]}
    lines["result"] = ["check", "images", "--shard", "1/1", "--terms", "all.terms", *KEY, "--out", "one.part"]
    out = job / lines[step][-1]
    if step == "result":
        ok(*lines["terms"])
        ok("check", "terms", "--merge", "terms-1.part", *KEY, "--out", "all.terms")
    command: Callable[[], int] = lambda: run(lines[step])  # noqa: E731
    ok(*lines[step])
    size = out.stat().st_size
    steps, died, half = 1, True, 0
    while died:
        out.unlink()
        died = killed_at(steps, command)
        half += bool(list(job.glob(".*.tmp")))
        if out.exists():
            assert out.stat().st_size == size
        ok(*lines[step])
        assert out.stat().st_size == size
        assert not list(job.glob(".*.tmp"))
        steps += 7 if steps > 60 else 3
    assert steps > 20
    assert half
