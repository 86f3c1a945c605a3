"""Check files and folders: the entry point of :mod:`privxray.deid`.

A file's content decides what it is, not its name. Which files of a folder are checked: those whose content
starts like DICOM, JPEG or PNG, and those whose name promises an image (a suffix of :data:`IMAGE_SUFFIXES`, no
suffix, or a number as PACS write it). A promise that the content doesn't keep is verdict ``error``: somebody
meant it as an image, and the check couldn't look. That includes image formats which this tool does not read.
All else (a csv, notes) is no image, is passed over and counted. Names with a leading dot are not looked at.
Symbolic links to folders are not followed, and those to files only while they stay inside the folder. A file
that is named itself is always checked.

A set is checked in two passes. The first applies the rules to each file by itself and collects what the
second needs; the second, a search for identifying values in every other place, runs only where the first
found such values, so never for a set that is de-identified. Both can be spread over worker processes
(:mod:`privxray.deid.pool`).

Memory: a worker holds the header of one file at a time (a mapped file's pixels stay on disk; a data set that
is deflated is unfolded, up to 1 GiB). This process holds one report a file, whose findings are shared between
files, a few numbers a file (:mod:`privxray.deid.cohort`), and at most 100,000 identifying values
(:mod:`privxray.deid.leaks`).

Not done here: looking for text in the pixels, behind the first scan of compressed frames, or in encapsulated
documents.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Final

from privxray.deid import rules
from privxray.deid.cohort import Cohort
from privxray.deid.leaks import Leaks, beyond
from privxray.deid.naming import public_name
from privxray.deid.pictures import is_jpeg, is_png
from privxray.deid.pool import Pool
from privxray.deid.profile import Profile
from privxray.deid.reading import is_dicom
from privxray.deid.report import FileReport, Finding, Report, Severity, Verdict, verdict_of
from privxray.deid.scan import Scan
from privxray.deid.worker import (
    UnreadFileError,
    examine,
    profile_to,
    read_file,
    scan_from,
    search,
    work,
)
from privxray.errors import SystemTroubleError, UsageError

__all__ = [
    "FileReport",
    "Finding",
    "Report",
    "SetCheck",
    "Severity",
    "UnreadFileError",
    "Verdict",
    "check_bytes",
    "check_file",
    "check_paths",
    "read_image",
    "report_on",
    "select",
]

_READ = frozenset({".dcm", ".dicom", ".dic", ".ima", ".jpg", ".jpeg", ".jpe", ".png"})
_NOT_READ = frozenset({".tif", ".tiff", ".bmp", ".gif", ".webp", ".heic", ".jp2", ".nii", ".nrrd", ".mha"})
IMAGE_SUFFIXES = _READ | _NOT_READ
"""Lower-case suffixes of files that are meant as images, also of kinds that can't be checked."""

FEW: Final = 24
"""Up to so many files are checked in this process: workers would take longer to start."""

_SNIFF = 132

Progress = Callable[[int, int], None]


class SetCheck:
    """Collects the checks of a set's files, and at the end says what only the whole set tells.

    Each file is added once, by its position in the set, and all positions from 0 on must come, in any order:
    workers give them as they are done. What is said of a file does not depend on that order.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile or Profile.load("basic")
        self.leaks = Leaks()
        self._cohort = Cohort()
        self._files: dict[int, tuple[FileReport, PurePath]] = {}
        self._shared: dict[Finding, Finding] = {}
        self._dicom: list[int] = []
        self._ahead: dict[int, Scan] = {}  # scans that came before their turn
        self._turn = 0

    def add(
        self, place: int, scan: Scan, *, digest: str, path: Path, relative: PurePath, number: int
    ) -> FileReport:
        """Take one file's scan; what is returned does not yet know what the whole set tells.

        :param place: position of the file in the set, from 0.
        :param relative: the path below the folder that the user named.
        :param number: position, from 1, among the files that the user can list.
        """
        findings = list(scan.findings)
        if scan.damage:
            findings.append(rules.UNREADABLE.because(scan.damage))
        if scan.facts is not None:
            self._dicom.append(place)
        shared = tuple(self._shared.setdefault(finding, finding) for finding in findings)
        verdict: Verdict = "error" if scan.damage else verdict_of(shared)
        report = FileReport(public_name(relative, number, scan.hidden), path, verdict, shared, digest, number)
        self._files[place] = report, relative
        scan.findings = []
        self._ahead[place] = scan
        while self._turn in self._ahead:
            self._relate(self._turn, self._ahead.pop(self._turn))
            self._turn += 1
        return self._files[place][0]

    def _relate(self, place: int, scan: Scan) -> None:
        """Compare a file with those before it, and keep what may be searched for."""
        for kind, value in sorted(scan.terms):
            self.leaks.add(kind, value)
        if scan.facts is not None and not scan.damage:
            self._append(place, self._cohort.add(scan.facts))

    def to_search(self) -> list[tuple[int, Path]]:
        """The files to search for the set's identifying values; none where there are no such values."""
        return [(place, self._files[place][0].path) for place in sorted(self._dicom)] if self.leaks else []

    def add_leaks(self, place: int, findings: Iterable[Finding]) -> None:
        """Take what the search found in one file."""
        self._append(place, beyond(self._files[place][0].findings, findings))

    def _append(self, place: int, findings: Iterable[Finding]) -> None:
        report, relative = self._files[place]
        shared = tuple(self._shared.setdefault(finding, finding) for finding in findings)
        if shared:
            verdict = report.verdict if report.verdict == "error" else verdict_of(report.findings + shared)
            self._files[place] = replace(report, findings=report.findings + shared, verdict=verdict), relative

    def reports(self) -> tuple[FileReport, ...]:
        """All files, in order, named in public; call it when all are added and searched."""
        if self.leaks:
            for place, (_, relative) in list(self._files.items()):
                if self.leaks.in_path(relative):
                    self._hide(place)
                    self.add_leaks(place, [rules.LEAK_PATH.at("path")])
            if self.leaks.limited and self._files:
                self.add_leaks(min(self._files), [rules.LEAK_LIMIT.at("file")])
        names: set[str] = set()
        for place in sorted(self._files):
            if self._files[place][0].name in names:  # the same name below two of the folders
                self._hide(place)
            names.add(self._files[place][0].name)
        return tuple(self._files[place][0] for place in sorted(self._files))

    def _hide(self, place: int) -> None:
        report, relative = self._files[place]
        self._files[place] = replace(report, name=f"file #{report.number}"), relative


def check_file(path: Path, *, name: str, profile: Profile | None = None) -> FileReport:
    """Check one file.

    :param name: its public name, see :func:`privxray.deid.naming.public_name`; it goes into the report as is.

    Raises nothing for whatever is in the file, or for a file that can't be read: verdict ``error`` says so.
    """
    try:
        data = read_image(path)
    except UnreadFileError as trouble:
        return _alone(Scan(damage=str(trouble)), "", name, path)
    return check_bytes(data, name=name, path=path, profile=profile)


def check_bytes(data: bytes, *, name: str, path: Path, profile: Profile | None = None) -> FileReport:
    """Check the bytes of one file by itself; ``path`` only goes into the report."""
    scan = examine(data, profile or Profile.load("basic"))
    leaks = Leaks(sorted(scan.terms))
    if leaks and is_dicom(data):
        scan.findings += beyond(scan.findings, leaks.in_dicom(data))
    return _alone(scan, hashlib.sha256(data).hexdigest(), name, path)


def report_on(
    data: bytes, *, path: Path, relative: PurePath, number: int, profile: Profile | None = None
) -> FileReport:
    """As :func:`check_bytes`, but named here, for only the check knows the file's identifying values.

    :param relative: the path below the folder that the user named.
    :param number: position of the file, from 1, among those the user can list.
    """
    whole = SetCheck(profile)
    scan = examine(data, whole.profile)
    digest = hashlib.sha256(data).hexdigest()
    whole.add(0, scan, digest=digest, path=path, relative=relative, number=number)
    if whole.to_search():
        whole.add_leaks(0, whole.leaks.in_dicom(data))
    return whole.reports()[0]


def read_image(path: Path) -> bytes:
    """The bytes of a file of at most 1 GiB.

    :raises UnreadFileError: it is larger, not a regular file, or the operating system refuses.
    """
    return bytes(read_file(path, mapped=False))


def check_paths(
    paths: Sequence[Path],
    *,
    profile: Profile | None = None,
    jobs: int = 1,
    digests: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Check files and folders (to any depth), sorted by path, as one set.

    :param profile: what may become of each attribute; the Basic Profile without one.
    :param jobs: worker processes; 1, or at most :data:`FEW` files, does all work in this process.
    :param digests: also compute each file's SHA-256, for which all of it must be read; without, reading a
        large file stops at its pixel data and goes on after it.
    :param progress: called after each file with how many are done, and how many there are to do; where files
        are searched a second time, that counts as well.
    :raises UsageError: a path does not exist, or there is nothing to check. A check of nothing must not pass.
    :raises SystemTroubleError: a folder can't be listed.
    """
    selected, skipped = select(paths)
    if not selected:
        raise UsageError(
            "there is no image to check here",
            advice="Name DICOM, JPEG or PNG files, or a folder that holds them.",
        )
    whole = SetCheck(profile)
    many = jobs > 1 and len(selected) > FEW
    with Pool(jobs, {"profile": profile_to(whole.profile)}) if many else nullcontext() as pool:
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


def _scans(
    selected: Sequence[tuple[Path, PurePath]], profile: Profile, digests: bool, pool: Pool | None
) -> Iterator[tuple[int, Scan, str]]:
    if pool is None:
        for place, (path, _) in enumerate(selected):
            yield place, *work(path, profile, digest=digests, mapped=False)
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
    files: Sequence[tuple[int, Path]], leaks: Leaks, pool: Pool | None
) -> Iterator[tuple[int, list[Finding]]]:
    if pool is None or not files:
        for place, path in files:
            yield place, search(path, leaks, mapped=False)
        return
    pool.tell(
        {
            "words": sorted(leaks.words),
            "dates": sorted(leaks.dates),
            "phrases": sorted(leaks.phrases),
            "accented": leaks.accented,
        }
    )
    tasks: Iterable[tuple[int, dict[str, Any]]] = (
        (place, {"do": "search", "path": str(path)}) for place, path in files
    )
    for place, outcome in pool.run(tasks):
        if isinstance(outcome, str):
            yield place, [rules.UNREADABLE.because(outcome)]
        else:
            yield place, [Finding(*finding) for finding in outcome["findings"]]


def select(paths: Sequence[Path]) -> tuple[list[tuple[Path, PurePath]], int]:
    """The files to check with their paths relative to what was named, and how many were passed over.

    :raises UsageError: a path does not exist.
    :raises SystemTroubleError: a folder can't be listed.
    """
    chosen: dict[str, tuple[Path, PurePath]] = {}
    skipped = 0
    for number, path in enumerate(paths, start=1):
        if path.is_dir():
            root = Path(os.path.realpath(path))
            for found in _files_below(path):
                if _is_inside(found, root) and _promises_image(found):
                    chosen.setdefault(os.path.realpath(found), (found, found.relative_to(path)))
                else:
                    skipped += 1
        elif path.exists():
            chosen.setdefault(os.path.realpath(path), (path, PurePath(path.name)))
        else:
            # The path as typed may name a patient, and this line may be mailed on.
            shown = public_name(PurePath(path.name), number).replace("file #", "path no. ")
            raise UsageError("there is no such file or folder", file=shown, advice="Check how it is spelled.")
    return sorted(chosen.values(), key=lambda pair: pair[0].as_posix()), skipped


def _alone(scan: Scan, digest: str, name: str, path: Path) -> FileReport:
    if scan.damage:
        findings = (*scan.findings, rules.UNREADABLE.because(scan.damage))
        return FileReport(name, path, "error", findings, digest)
    findings = tuple(scan.findings)
    return FileReport(name, path, verdict_of(findings), findings, digest)


def _files_below(folder: Path) -> Iterator[Path]:
    def refused(_: OSError) -> None:
        # What can't be listed can't be passed over in silence; its path may name a patient.
        raise SystemTroubleError(
            "a folder among those to check can't be listed", advice="Ask for the right to read it."
        )

    for place, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith("."):
                yield Path(place, name)


def _is_inside(path: Path, root: Path) -> bool:
    return not path.is_symlink() or Path(os.path.realpath(path)).is_relative_to(root)


def _promises_image(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES or not suffix or suffix[1:].isdigit():
        return True
    try:
        if not path.is_file():
            return True
        with path.open("rb") as stream:
            head = stream.read(_SNIFF)
    except OSError:
        return True  # what can't be looked at can't be passed over either
    return is_dicom(head) or is_jpeg(head) or is_png(head)
