"""Check files and folders: the entry point of :mod:`privxray.deid`.

Each file is read once into memory; what is checked, hashed and later decoded are the same bytes, so that
nothing can be exchanged in between. A file's content decides what it is, not its name.

Which files of a folder are checked: those whose content starts like DICOM, JPEG or PNG, and those whose
name promises an image (a suffix of :data:`IMAGE_SUFFIXES`, no suffix, or a number as PACS write it). A
promise that the content doesn't keep is verdict ``error``: somebody meant it as an image, and the check
couldn't look. That includes image formats which this tool does not read. All else (a csv, notes) is no image,
is passed over and counted. Names with a leading dot are not looked at. Symbolic links to folders are not
followed, and those to files only while they stay inside the folder. A file that is named itself is always
checked.

Not done here: looking for text in the pixels, inside compressed pixel data, or in encapsulated documents.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath

from privxray.deid import rules
from privxray.deid.naming import public_name
from privxray.deid.pictures import is_jpeg, is_png, scan_jpeg, scan_png
from privxray.deid.report import FileReport, Finding, Report, Severity, Verdict, verdict_of
from privxray.deid.scan import Scan, is_dicom, scan_dicom
from privxray.errors import SystemTroubleError, UsageError

__all__ = [
    "FileReport",
    "Finding",
    "Report",
    "Severity",
    "Verdict",
    "check_bytes",
    "check_file",
    "check_paths",
    "read_image",
    "report_on",
    "select",
]

MAX_FILE = 1 << 30
"""Most bytes of a file that is read."""

_READ = frozenset({".dcm", ".dicom", ".dic", ".ima", ".jpg", ".jpeg", ".jpe", ".png"})
_NOT_READ = frozenset({".tif", ".tiff", ".bmp", ".gif", ".webp", ".heic", ".jp2", ".nii", ".nrrd", ".mha"})
IMAGE_SUFFIXES = _READ | _NOT_READ
"""Lower-case suffixes of files that are meant as images, also of kinds that can't be checked."""

NO_IMAGE = "neither DICOM (with its 128-byte preamble) nor JPEG nor PNG"
TOO_LARGE = "larger than 1 GiB"
NOT_READ = "the operating system does not let it be read"

_SNIFF = 132


class UnreadFileError(Exception):
    """A file whose bytes could not be had. The text is one of this module's fixed ones."""


def check_file(path: Path, *, name: str) -> FileReport:
    """Check one file.

    :param name: its public name, see :func:`privxray.deid.naming.public_name`; it goes into the report as is.

    Raises nothing for whatever is in the file, or for a file that can't be read: verdict ``error`` says so.
    """
    try:
        data = read_image(path)
    except UnreadFileError as trouble:
        return _unread(path, name, str(trouble))
    return check_bytes(data, name=name, path=path)


def check_bytes(data: bytes, *, name: str, path: Path) -> FileReport:
    """Check the bytes of one file; ``path`` only goes into the report."""
    return _report(data, _scan(data), name, path)


def report_on(data: bytes, *, path: Path, relative: PurePath, number: int) -> FileReport:
    """As :func:`check_bytes`, but named here, for only the check knows the file's identifying values.

    :param relative: the path below the folder that the user named.
    :param number: position of the file, from 1, among those the user can list.
    """
    scan = _scan(data)
    return _report(data, scan, public_name(relative, number, scan.hidden), path)


def read_image(path: Path) -> bytes:
    """The bytes of a file of at most :data:`MAX_FILE`.

    :raises UnreadFileError: it is larger, not a regular file, or the operating system refuses.
    """
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise UnreadFileError(NOT_READ)
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1) if path.stat().st_size <= MAX_FILE else None
    except OSError:
        raise UnreadFileError(NOT_READ) from None
    if data is None or len(data) > MAX_FILE:
        raise UnreadFileError(TOO_LARGE)
    return data


def check_paths(paths: Sequence[Path], *, progress: Callable[[int, int], None] | None = None) -> Report:
    """Check files and folders (to any depth), sorted by path.

    :param progress: called after each file with how many are done, and how many there are.
    :raises UsageError: a path does not exist, or there is nothing to check. A check of nothing must not pass.
    :raises SystemTroubleError: a folder can't be listed.
    """
    selected, skipped = select(paths)
    if not selected:
        raise UsageError(
            "there is no image to check here",
            advice="Name DICOM, JPEG or PNG files, or a folder that holds them.",
        )
    reports: list[FileReport] = []
    names: set[str] = set()
    for number, (path, relative) in enumerate(selected, start=1):
        try:
            report = report_on(read_image(path), path=path, relative=relative, number=number)
        except UnreadFileError as trouble:
            report = _unread(path, public_name(relative, number), str(trouble))
        if report.name in names:  # the same name below two of the folders
            report = FileReport(f"file #{number}", path, report.verdict, report.findings, report.sha256)
        names.add(report.name)
        reports.append(report)
        if progress is not None:
            progress(number, len(selected))
    return Report(tuple(reports), skipped)


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


def _scan(data: bytes) -> Scan:
    # DICOM first: a preamble can make a DICOM file look like a JPEG as well.
    if is_dicom(data):
        return scan_dicom(data)
    if is_jpeg(data):
        return scan_jpeg(data)
    if is_png(data):
        return scan_png(data)
    return Scan(damage=NO_IMAGE)


def _report(data: bytes, scan: Scan, name: str, path: Path) -> FileReport:
    digest = hashlib.sha256(data).hexdigest()
    if scan.damage:
        findings = (*scan.findings, rules.UNREADABLE.because(scan.damage))
        return FileReport(name, path, "error", findings, digest)
    findings = tuple(scan.findings)
    return FileReport(name, path, verdict_of(findings), findings, digest)


def _unread(path: Path, name: str, why: str) -> FileReport:
    return FileReport(name, path, "error", (rules.UNREADABLE.because(why),), "")


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
