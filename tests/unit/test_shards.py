"""A check on several machines: the same report as in one run, and no part that does not belong is taken."""

from __future__ import annotations

import json
import random
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shard_world import NUMBER, SENTINEL, make_set

from privxray.cli.check_json import print_lines
from privxray.deid.judging.check import check_paths
from privxray.deid.pixels.text.text_box import TextBox
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.profile import ProfileOption
from privxray.errors import PrivxrayError
from privxray.reports.findings_csv import findings_csv
from privxray.workflow.images.search_pixels import search_report
from privxray.workflow.shards import part_file
from privxray.workflow.shards.check_results import CheckOptions, check_shard, merge_results
from privxray.workflow.shards.check_terms import gather_terms, merge_terms
from privxray.workflow.shards.job_key import JobKey, load_job_key, make_job_key
from privxray.workflow.shards.part_file import MAGIC, Part
from privxray.workflow.shards.part_set import runs
from privxray.workflow.shards.shard import Shard, read_shard
from privxray.workflow.shards.shard_work import ShardWork
from privxray.workflow.upkeep.inspect_file import inspect_file

KEY = JobKey(bytes(range(32)))
BASIC = basic_profile()
PLAIN = CheckOptions(BASIC)


def find(pixels: Any, frame: int) -> list[TextBox]:
    return [TextBox(frame, 1, 2, 3, 4, 0.75, "error", SENTINEL)] if pixels.ndim == 2 else []


class Job:
    """One job: a folder of images, and the parts of each step."""

    def __init__(self, at: Path, images: list[Path], shards: int, key: JobKey = KEY) -> None:
        self.at, self.images, self.shards, self.key = at, images, shards, key
        self.all = at / "all.terms"
        at.mkdir(exist_ok=True)

    def work(self, number: int, name: str, *, force: bool = False) -> ShardWork:
        return ShardWork(Shard(number, self.shards), self.key, self.at / f"{name}-{number}.part", force=force)

    def terms(self) -> list[Path]:
        for number in range(1, self.shards + 1):
            gather_terms(self.images, BASIC, self.work(number, "terms"))
        return self.parts("terms")

    def parts(self, name: str) -> list[Path]:
        parts = [self.at / f"{name}-{number}.part" for number in range(1, self.shards + 1)]
        random.Random(3).shuffle(parts)
        return parts

    def merged_terms(self) -> Path:
        merge_terms(self.terms(), self.key, self.all, force=False)
        return self.all

    def results(self, options: CheckOptions = PLAIN) -> list[Path]:
        self.merged_terms()
        for number in range(1, self.shards + 1):
            check_shard(self.images, self.all, options, self.work(number, "result"))
        return self.parts("result")


def said(report: Any, found: Any, capsys: pytest.CaptureFixture[str]) -> tuple[str, bytes, int]:
    print_lines(report, found, {}, show_text=False)
    return capsys.readouterr().out, b"".join(findings_csv(report)), report.skipped


@pytest.mark.parametrize("shards", [1, 3, 30])
@pytest.mark.parametrize("searched", [False, True])
def test_parts_merged_say_what_one_run_says(
    shards: int, searched: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [make_set(tmp_path / "one"), make_set(tmp_path / "two")]  # the same names in two folders
    options = replace(PLAIN, find_text=find if searched else None)
    report, found = merge_results(Job(tmp_path / "job", images, shards).results(options), KEY)
    expected, pixels = check_paths(images), None
    if searched:
        expected, pixels = search_report(expected, find)
    assert said(report, found, capsys) == said(expected, pixels, capsys)
    rules = {finding.rule for file in report.files for finding in file.findings}
    assert {"leak", "leak-path", "set-series", "unreadable"} <= rules
    assert report.verdict == "fail"


@pytest.mark.parametrize("limit", [2, 3, 5])
def test_at_the_limit_of_values_parts_stop_where_one_run_stops(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("privxray.deid.judging.leaks.MAX_VALUES", limit)
    images = [make_set(tmp_path / "images")]
    report, found = merge_results(Job(tmp_path / "job", images, 4).results(), KEY)
    assert said(report, found, capsys) == said(check_paths(images), None, capsys)
    assert "leak-limit" in {finding.rule for finding in report.files[0].findings}


def test_no_part_shows_a_value_without_the_key(tmp_path: Path) -> None:
    images = [make_set(tmp_path / "images")]
    job = Job(tmp_path / "job", images, 2)
    job.results(replace(PLAIN, find_text=find))
    values = [SENTINEL, NUMBER, "Elmwood", "19520130", "good.dcm", str(tmp_path)]
    for path in job.at.iterdir():
        data = path.read_bytes().lower()
        assert path.stat().st_mode & 0o777 == stat.S_IRUSR | stat.S_IWUSR
        for value in values:
            for coded in (value.lower().encode(), value.lower().encode("utf-16-le")):
                assert coded not in data, path.name
    # With the key, nobody finds what was read in the pixels either.
    for path in job.parts("result"):
        lines = list(Part(path, KEY).lines())
        assert any(line[1][-1] and line[1][-1][0] for line in lines[1:])
        assert not any(SENTINEL in json.dumps(line[1][-1]) for line in lines[1:])


def test_a_step_that_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [make_set(tmp_path / "images")]
    job = Job(tmp_path / "job", images, 2)
    parts = job.results()
    before = {path: path.read_bytes() for path in job.at.iterdir()}
    job.results()
    assert {path: path.read_bytes() for path in job.at.iterdir()} == before
    done = check_shard(images, job.all, PLAIN, job.work(1, "result", force=True))
    assert not done.before
    assert before[job.at / "result-1.part"] != (job.at / "result-1.part").read_bytes()
    assert merge_results(parts, KEY)[0] == check_paths(images)


def refused(reason: str, action: Callable[[], object]) -> PrivxrayError:
    with pytest.raises(PrivxrayError) as caught:
        action()
    assert caught.value.reason == reason, caught.value
    assert SENTINEL not in str(caught.value)
    assert caught.value.advice
    return caught.value


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = Job(tmp_path / "job", [make_set(tmp_path / "images")], 4)
    job.results()
    return job


def test_inspect_says_what_files_of_a_job_are(job: Job, tmp_path: Path) -> None:
    make_job_key(tmp_path / "job.key")
    refused("job-key.inspected", lambda: inspect_file(tmp_path / "job.key", None))
    refused("part.inspected", lambda: inspect_file(job.parts("result")[0], None))
    (tmp_path / "text").write_bytes(b"privxray part of something else")
    refused("file.not-privxray", lambda: inspect_file(tmp_path / "text", None))


def test_missing_and_doubled_shards_are_named(job: Job, tmp_path: Path) -> None:
    parts = sorted(job.parts("result"))
    error = refused("part.missing", lambda: merge_results([parts[0], parts[3]], KEY))
    assert "of 4 shards the parts of these are missing: 2, 3" in str(error)
    error = refused("part.missing", lambda: merge_results([parts[0], *parts[2:]], KEY))
    assert "the part of shard 2/4 is missing" in str(error)
    shutil.copy(parts[1], tmp_path / "again.part")
    error = refused("part.doubled", lambda: merge_results([*parts, tmp_path / "again.part"], KEY))
    assert "2/4" in str(error)
    refused("part.none", lambda: merge_results([], KEY))
    assert runs([1, 2, 4, 6, 7, 8, 9]) == "1, 2, 4, 6 to 9"


def test_foreign_parts_are_named(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = sorted(job.parts("result"))

    def with_other(other: Path) -> Callable[[], object]:
        shutil.copy(other, job.at / "foreign.part")
        return lambda: merge_results([job.at / "foreign.part", *good[1:]], KEY)

    def told(reason: str, other: Path) -> None:
        assert refused(reason, with_other(other)).file == str(job.at / "foreign.part")

    strange = Job(tmp_path / "strange", job.images, 4, JobKey(bytes(32)))
    told("part.other-job", strange.results()[0])
    refused("part.other-job", lambda: merge_results(good, strange.key))
    told("part.other-total", sorted(Job(tmp_path / "three", job.images, 3).results())[0])
    told("part.other-kind", job.at / "terms-1.part")
    searched = Job(tmp_path / "searched", job.images, 4)
    told("part.other-options", sorted(searched.results(replace(PLAIN, find_text=find)))[0])
    more = Job(tmp_path / "more", [make_set(tmp_path / "images2", more=1)], 4)
    told("part.other-files", sorted(more.results())[0])
    monkeypatch.setattr("privxray.deid.judging.leaks.MAX_VALUES", 2)
    told("part.other-terms", sorted(Job(tmp_path / "few", job.images, 4).results())[0])
    part = Part(good[0], KEY)
    older = replace(part.header, version="0.0.1")
    part_file.write_part(job.at / "older.part", older, KEY, part.lines(), force=False)
    told("part.other-version", job.at / "older.part")


def test_a_shard_takes_no_values_of_something_else(job: Job, tmp_path: Path) -> None:
    def check(terms: Path, options: CheckOptions = PLAIN, shards: int = 4) -> Callable[[], object]:
        work = ShardWork(Shard(1, shards), KEY, tmp_path / "new.part")
        return lambda: check_shard(job.images, terms, options, work)

    refused("part.other-kind", check(job.at / "terms-1.part"))
    refused("part.other-total", check(job.all, shards=3))
    kept = CheckOptions(BASIC.with_options({ProfileOption.RETAIN_UIDS}))
    refused("part.other-options", check(job.all, kept))
    other = Job(tmp_path / "other", [make_set(tmp_path / "more", more=1)], 4)
    refused("part.other-files", check(other.merged_terms()))
    strange = Job(tmp_path / "strange", job.images, 4, JobKey(bytes(32)))
    refused("part.other-job", check(strange.merged_terms()))
    first = min(path for path in job.images[0].rglob("*.dcm"))
    first.write_bytes(first.read_bytes() + b"\0\0")
    refused("shard.files-changed", check(job.all))


def test_a_damaged_part_is_refused(job: Job) -> None:
    path = job.at / "result-1.part"
    whole = path.read_bytes()
    head = whole.index(b"\n", len(MAGIC)) + 1

    def with_bytes(data: bytes) -> Callable[[], object]:
        path.write_bytes(data)
        return lambda: merge_results(job.parts("result"), KEY)

    refused("part.damaged", with_bytes(whole[:-1]))
    refused("part.damaged", with_bytes(whole[:head]))
    refused("part.damaged", with_bytes(whole[: head + 9] + b"\0" + whole[head + 10 :]))
    # A header that was changed opens nothing, so no shard can pass for another.
    refused("part.damaged", with_bytes(whole.replace(b'"shard":1,', b'"shard":2,', 1)))
    refused("part.header", with_bytes(whole.replace(b'"shard":1,', b'"shard":"",', 1)))
    refused("part.header", with_bytes(whole.replace(b'"format":1,', b'"format":2,', 1)))
    refused("part.header", with_bytes(whole[: len(MAGIC) + 20]))
    refused("part.strange", with_bytes(b"text"))
    path.unlink()
    refused("part.unread", lambda: merge_results(job.parts("result"), KEY))


def test_another_file_is_not_replaced_without_force(job: Job) -> None:
    out = job.at / "terms-1.part"
    for data in (b"mine", (job.at / "terms-2.part").read_bytes()):
        out.write_bytes(data)
        refused("part.name-taken", lambda: gather_terms(job.images, BASIC, job.work(1, "terms")))
        assert out.read_bytes() == data
    assert not gather_terms(job.images, BASIC, job.work(1, "terms", force=True)).before


def test_what_a_killed_process_left_is_swept(job: Job) -> None:
    leftover, other = job.at / ".terms-1.part.0123456789ab.tmp", job.at / ".terms-2.part.0123456789ab.tmp"
    leftover.write_bytes(b"half")
    other.write_bytes(b"half")
    gather_terms(job.images, BASIC, job.work(1, "terms", force=True))
    assert not leftover.exists()
    assert other.exists()


def test_files_belong_to_a_shard_by_their_names(tmp_path: Path) -> None:
    assert [list(Shard(number, 3).places(7)) for number in (1, 2, 3)] == [[0, 3, 6], [1, 4], [2, 5]]
    assert list(Shard(3, 3).places(2)) == []
    assert read_shard("3/64") == Shard(3, 64)
    for text in ("0/4", "5/4", "1", "1/1001", "01/4", "a/b", "1/4 ", "-1/4"):
        refused("shard.not-one", lambda text=text: read_shard(text))


def test_a_key_is_private_and_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "job.key"
    make_job_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    key = load_job_key(path)
    assert key.job == load_job_key(path).job
    assert repr(key) == "JobKey()"
    refused("file.exists", lambda: make_job_key(path))
    path.chmod(0o640)
    refused("job-key.open", lambda: load_job_key(path))
    for data in (b"", b"{}", b'{"kind":"privxray job key","format":1,"secret":"AAAA"}', b"[" * 3000):
        path.unlink()
        path.write_bytes(data)
        path.chmod(0o600)
        refused("job-key.strange", lambda: load_job_key(path))
    refused("job-key.unread", lambda: load_job_key(tmp_path / "none.key"))
