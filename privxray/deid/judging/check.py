"""Check files and folders: the entry point of :mod:`privxray.deid.judging`.

A set is checked in two passes. The first scans each file by itself (:mod:`privxray.deid.judging.file_scan`)
and gathers what the second needs (:mod:`privxray.deid.judging.set_check`). The second searches every file for
values that identify a patient of the set. It runs only if the first found such values, so never for a set
that is de-identified. Both can run in worker processes (:mod:`privxray.deid.judging.check_worker`).

Memory: each process holds the header of one file at a time. The pixels of a mapped file stay on the disk; a
deflated data set is unfolded, up to 1 GiB. This process holds one report for each file, whose findings are
shared between files, a few numbers for each file, and at most 100,000 identifying values.

What is not done here: to look for text in the pixels, behind the first scan of compressed frames, or in
encapsulated documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path, PurePath
from typing import Any, Final, TypeAlias

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_whole
from privxray.deid.findings import rules
from privxray.deid.findings.report import FileReport, Finding, Report, verdict_of
from privxray.deid.judging.check_worker import findings_from, scan_from
from privxray.deid.judging.file_scan import scan_bytes, scan_file, search_file
from privxray.deid.judging.leak_findings import leaks_in_dicom, new_leaks
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import Scan
from privxray.deid.judging.selection import select
from privxray.deid.judging.set_check import SetCheck
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_to_json
from privxray.deid.workers.worker_pool import Pool
from privxray.errors import UsageError

FEW: Final = 24
"""Up to this many files are checked in this process: workers would take longer to start."""

PATIENCE: Final = 600.0
"""Seconds without an outcome after which a worker counts as stuck."""

_WORKER: Final = "privxray.deid.judging.check_worker"

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many files are done and how many there are to do."""


def check_file(path: Path, *, name: str, profile: Profile | None = None) -> FileReport:
    """Check one file. Raises nothing; a file that can't be read has the verdict ``error``.

    :param name: its public name, see :func:`privxray.naming.public_names.public_name`; it goes into the
        report as it is.
    :param profile: what may become of each attribute; the Basic Profile if None.
    """
    try:
        data = read_whole(path)
    except UnreadFileError as trouble:
        return _alone(Scan(damage=str(trouble)), "", name, path)
    return check_bytes(data, name=name, path=path, profile=profile)


def check_bytes(data: bytes, *, name: str, path: Path, profile: Profile | None = None) -> FileReport:
    """Check the bytes of one file; for the parameters see :func:`check_file`.

    :param path: only goes into the report.
    """
    scan = scan_bytes(data, profile or basic_profile())
    leaks = LeakSearch(sorted(scan.undisguised))
    if leaks and is_dicom(data):
        scan.findings += new_leaks(scan.findings, leaks_in_dicom(leaks, data))
    return _alone(scan, hashlib.sha256(data).hexdigest(), name, path)


def check_paths(
    paths: Sequence[Path],
    *,
    profile: Profile | None = None,
    jobs: int = 1,
    digests: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Check files and folders (to any depth) as one set. The reports are sorted by path.

    :param profile: what may become of each attribute; the Basic Profile if None.
    :param jobs: how many worker processes. With 1, or for at most :data:`FEW` files, this process does the
        work.
    :param digests: compute each file's SHA-256, for which all of it must be read. Without, the pixel data of
        a large file is skipped.
    :param progress: called after each file; if files are searched a second time, that counts as well.
    :raises UsageError: a path does not exist, or there is nothing to check: a check of nothing must not pass.
    :raises SystemTroubleError: a folder can't be listed.
    """
    selected, skipped = select(paths)
    if not selected:
        raise UsageError(
            "there is no image to check here",
            reason="check.nothing",
            advice="Name DICOM, JPEG or PNG files, or a folder that holds them.",
        )
    whole = SetCheck(profile)
    many = jobs > 1 and len(selected) > FEW
    with _pool(jobs, whole.profile) if many else nullcontext() as pool:
        done = 0
        for place, scan, digest in _scans(selected, whole.profile, digests, pool):
            path, relative = selected[place]
            whole.add(place, scan, digest=digest, path=path, relative=relative, number=place + 1)
            done += 1
            if progress is not None:
                progress(done, len(selected))
        again = whole.to_search()
        for place, findings in _searches(again, whole.leaks, pool):
            whole.add_leaks(place, findings)
            done += 1
            if progress is not None:
                progress(done, len(selected) + len(again))
    return Report(whole.reports(), skipped, whole.profile.summary)


def _pool(jobs: int, profile: Profile) -> Pool:
    return Pool(jobs, _WORKER, {"profile": profile_to_json(profile)}, patience=PATIENCE)


def _scans(
    selected: Sequence[tuple[Path, PurePath]], profile: Profile, digests: bool, pool: Pool | None
) -> Iterator[tuple[int, Scan, str]]:
    if pool is None:
        for place, (path, _) in enumerate(selected):
            yield place, *scan_file(path, profile, digest=digests, mapped=False)
        return
    tasks = (
        (place, {"do": "scan", "path": str(path), "digest": digests})
        for place, (path, _) in enumerate(selected)
    )
    for place, outcome in pool.run(tasks):
        if isinstance(outcome, str):
            yield place, Scan(damage=outcome), ""
        else:
            yield place, scan_from(outcome), outcome["sha256"]


def _searches(
    files: Sequence[tuple[int, Path]], leaks: LeakSearch, pool: Pool | None
) -> Iterator[tuple[int, list[Finding]]]:
    if pool is None or not files:
        for place, path in files:
            yield place, search_file(path, leaks, mapped=False)
        return
    pool.tell({"leaks": leaks.to_json()})
    tasks: Iterable[tuple[int, dict[str, Any]]] = (
        (place, {"do": "search", "path": str(path)}) for place, path in files
    )
    for place, outcome in pool.run(tasks):
        if isinstance(outcome, str):
            yield place, [rules.UNREADABLE.because(outcome)]
        else:
            yield place, findings_from(outcome)


def _alone(scan: Scan, digest: str, name: str, path: Path) -> FileReport:
    if scan.damage:
        findings = (*scan.findings, rules.UNREADABLE.because(scan.damage))
        return FileReport(name, path, "error", findings, digest)
    findings = tuple(scan.findings)
    return FileReport(name, path, verdict_of(findings), findings, digest)
