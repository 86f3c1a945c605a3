"""Worker processes: the same findings as without them, and a run that survives what files do to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from deid_samples import clean, encode

from privxray.deid.judging.check import check_paths
from privxray.deid.judging.set_passes import FEW
from privxray.deid.profile.profile import Action, Override, Profile, ProfileOption
from privxray.deid.profile.profile_file import load_profile
from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
from privxray.deid.workers import worker_pool as pool_module

HOSTILE = """
import os, time
import privxray.deid.judging.check_worker as w
real = w.scan_file
def scan_file(file, profile, **options):
    path = file.path
    if path.name.startswith("kill"):
        os.kill(os.getpid(), 11)
    if path.name.startswith("wait"):
        path.parent.with_suffix(".waiting").touch()
        time.sleep(3000)
    return real(file, profile, **options)
w.scan_file = scan_file
w.main()
"""


def fill(folder: Path, number: int) -> None:
    ds = clean()
    for place in range(number):
        ds.PatientName = "Zwiebel^Anna" if place % 5 == 0 else "case0042"
        ds.AccessionNumber = "" if place % 3 else "QX-881734"
        ds.SeriesDescription = "" if place % 4 else "for zwiebel"
        (folder / f"im{place}.dcm").write_bytes(encode(ds))


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = pool_module._BOOT.replace("importlib.import_module(sys.argv[2]).main()", f"exec({HOSTILE!r})")
    assert boot != pool_module._BOOT
    monkeypatch.setattr(pool_module, "_BOOT", boot)


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    fill(tmp_path, FEW + 10)
    (tmp_path / "im_bad.dcm").write_bytes(b"nothing")
    profile = load_profile("research").with_options({ProfileOption.RETAIN_UIDS})
    alone = check_paths([tmp_path], profile=profile)
    together = check_paths([tmp_path], profile=profile, jobs=3)
    assert together == alone
    assert {f.rule for file in alone.files for f in file.findings} >= {"leak", "E.1-1/Z", "unreadable"}
    assert all(file.sha256 for file in together.files)
    quick = check_paths([tmp_path], profile=profile, jobs=3, digests=False)
    assert [f.findings for f in quick.files] == [f.findings for f in alone.files]
    assert not any(file.sha256 for file in quick.files)


def test_profiles_travel_whole() -> None:
    keys = (0x00081010, "(60xx,3000)", (0x0019, "GEMS_ACQU_01", 27))
    own = Profile("own", overrides=tuple(Override(key, (Action.K, Action.X)) for key in keys))
    for profile in (load_profile("basic"), load_profile("research"), own):
        travelled = profile_from_json(json.loads(json.dumps(profile_to_json(profile))))
        assert travelled == replace(profile, description="")


@pytest.mark.usefixtures("hostile")
def test_a_file_that_kills_its_reader_is_one_finding(tmp_path: Path) -> None:
    fill(tmp_path, FEW + 10)
    for number in (1, 2, 3):
        (tmp_path / f"kill_{number}.dcm").write_bytes(encode(clean()))
    report = check_paths([tmp_path], jobs=2)
    assert len(report.files) == FEW + 13
    killers = [file for file in report.files if file.path.name.startswith("kill")]
    assert [file.verdict for file in killers] == ["error"] * 3
    assert {f.reason for file in killers for f in file.findings} == {
        f"can't be checked: {pool_module.CRASHED}"
    }
    others = [file for file in report.files if not file.path.name.startswith("kill")]
    assert not [file for file in others if file.verdict == "error"]


@pytest.mark.usefixtures("hostile")
def test_a_file_that_takes_for_ever_is_one_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No second passes but 601, when the worker that sleeps is the only one at work: none is slow."""
    folder = tmp_path / "set"
    folder.mkdir()
    fill(folder, FEW + 10)
    (folder / "wait.dcm").write_bytes(encode(clean()))
    waiting, clock, plain = folder.with_suffix(".waiting"), [0.0], pool_module.Pool._arrivals

    def arrivals(pool: pool_module.Pool) -> list[Any]:
        arrived = list(plain(pool))
        if not arrived and waiting.exists() and sum(bool(one.under_way) for one in pool._workers) == 1:
            waiting.unlink()
            clock[0] += 601.0
        return arrived

    monkeypatch.setattr(pool_module.Pool, "_arrivals", arrivals)
    monkeypatch.setattr(pool_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    report = check_paths([folder], jobs=2)
    stuck = [file for file in report.files if file.verdict == "error"]
    assert [file.path.name for file in stuck] == ["wait.dcm"]
    assert pool_module.STUCK in stuck[0].findings[0].reason


def test_large_files_are_mapped_and_their_ends_are_seen(tmp_path: Path) -> None:
    ds = clean()
    ds.Rows, ds.Columns = 4096, 2048
    ds.PixelData = bytes(4096 * 2048)
    data = encode(ds)
    for number in range(FEW + 1):
        (tmp_path / f"im{number}.dcm").write_bytes(encode(clean()))
    (tmp_path / "large.dcm").write_bytes(data)
    (tmp_path / "large_zeros.dcm").write_bytes(data + bytes(2 << 20))
    (tmp_path / "large_tail.dcm").write_bytes(data + b"Doe^John")
    (tmp_path / "large_cut.dcm").write_bytes(data[:-1])
    files = {f.path.name: f for f in check_paths([tmp_path], jobs=2, digests=False).files}
    assert files["large.dcm"].verdict == "pass"
    assert "trailing-zeros" in {f.rule for f in files["large_zeros.dcm"].findings}
    assert files["large_zeros.dcm"].verdict == "pass"
    assert files["large_tail.dcm"].verdict == files["large_cut.dcm"].verdict == "error"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    data = encode(clean())
    for number in range(3000):
        (tmp_path / f"im{number}.dcm").write_bytes(data)
    process = subprocess.Popen(
        [sys.executable, "-m", "privxray", "check", "--jobs", "2", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while len(members(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(members(process.pid)) == 3
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"Traceback" not in out + err
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert members(process.pid) == []


def members(session: int) -> list[int]:
    """Processes of a session that are not just waited for."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(state[3]) == session and state[0] != "Z":
                found.append(int(entry.name))
    return found
