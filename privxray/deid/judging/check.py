"""Check files and folders: the entry point of :mod:`privxray.deid.judging`.

A set is checked in two passes (:mod:`privxray.deid.judging.set_passes`). The first scans each file by itself
and gathers what the second needs. The second searches every file for values that identify a patient of the
set. It runs only if the first found such values, so never for a set that is de-identified. Then the reports
are made (:mod:`privxray.deid.judging.set_check`).

Memory: each process holds the header of one file at a time. The pixels of a mapped file stay on the disk; a
deflated data set is unfolded, up to 1 GiB. This process holds the list of files and at most 100,000
identifying values; what was found lies on the disk (:mod:`privxray.workspace.spool`).

What is not done here: to look for text in the pixels, behind the first scan of compressed frames, or in
encapsulated documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.findings import rules
from privxray.deid.findings.file_record import RecordSpool, SpooledReports
from privxray.deid.findings.report import FileReport, Report, verdict_of
from privxray.deid.judging.file_scan import scan_bytes
from privxray.deid.judging.gathered_terms import GatheredTerms
from privxray.deid.judging.leak_findings import leaks_in_dicom, new_leaks
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.scan import Scan
from privxray.deid.judging.set_check import WholeSet
from privxray.deid.judging.set_passes import FilesOfSet, Progress, ScanSettings
from privxray.deid.profile.basic import basic_profile
from privxray.deid.profile.profile import Profile
from privxray.deid.sources.gathered import Selection
from privxray.deid.sources.packed_files import NumberedFiles
from privxray.deid.sources.selection import select
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_archive import zips_closed
from privxray.errors import UsageError


def check_file(path: Path, *, name: str, profile: Profile | None = None) -> FileReport:
    """Check one file. Raises nothing; a file that can't be read has the verdict ``error``.

    :param name: its public name, see :func:`privxray.naming.public_names.public_name`; it goes into the
        report as it is.
    :param profile: what may become of each attribute; the Basic Profile if None.
    """
    try:
        data = SourceFile.on_disk(path).read_whole()
    except UnreadFileError as trouble:
        return _alone(Scan(damage=str(trouble)), "", name, SourceFile.on_disk(path))
    return check_bytes(data, name=name, path=path, profile=profile)


def check_bytes(data: bytes, *, name: str, path: Path, profile: Profile | None = None) -> FileReport:
    """Check the bytes of one file; for the parameters see :func:`check_file`.

    :param path: only goes into the report.
    """
    scan = scan_bytes(data, profile or basic_profile())
    leaks = LeakSearch(sorted(scan.undisguised))
    if leaks and is_dicom(data):
        scan.findings += new_leaks(scan.findings, leaks_in_dicom(leaks, data))
    return _alone(scan, hashlib.sha256(data).hexdigest(), name, SourceFile.on_disk(path))


@zips_closed()
def check_paths(
    paths: Sequence[Path],
    *,
    profile: Profile | None = None,
    jobs: int = 1,
    digests: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Check files, folders (to any depth), DICOMDIR and zips as one set. The reports are sorted by path.

    :param profile: what may become of each attribute; the Basic Profile if None.
    :param jobs: how many worker processes. With 1, or for at most
        :data:`~privxray.deid.judging.set_passes.FEW` files, this process does the work.
    :param digests: compute each file's SHA-256, for which all of it must be read. Without, the pixel data of
        a large file is skipped.
    :param progress: called after each file; if files are searched a second time, that counts as well.
    :raises UsageError: a path does not exist, or there is nothing to check: a check of nothing must not pass.
    :raises SystemTroubleError: a folder can't be listed.
    """
    selection = files_to_check(paths)
    settings = ScanSettings(profile or basic_profile(), digests, jobs)
    files = FilesOfSet(NumberedFiles(selection.files, range(len(selection.files))), settings, progress)
    scanned, gathered, reports = RecordSpool(), GatheredTerms(), SpooledReports()
    with files:
        for record, undisguised in files.scan():
            for kind, value in sorted(undisguised):
                gathered.add(kind, value)
            scanned.append(record)
        whole = WholeSet(limited=gathered.limited)
        for record in files.search(scanned, gathered.leaks()):
            reports.append(whole.report(record))
    return Report(
        reports,
        len(selection.passed_over),
        settings.profile.summary,
        selection.indexes,
        selection.missing,
    )


def files_to_check(paths: Sequence[Path]) -> Selection:
    """What :func:`~privxray.deid.sources.selection.select` gives, where it gives anything.

    :raises UsageError: a path does not exist, or there is nothing to check: a check of nothing must not pass.
    :raises SystemTroubleError: a folder can't be listed.
    """
    selection = select(paths)
    if not selection.files:
        raise UsageError(
            "there is no image to check here",
            reason="check.nothing",
            advice="Name DICOM, JPEG or PNG files, or a folder that holds them.",
        )
    return selection


def _alone(scan: Scan, digest: str, name: str, source: SourceFile) -> FileReport:
    if scan.damage:
        findings = (*scan.findings, rules.UNREADABLE.because(scan.damage))
        return FileReport(name, source, "error", findings, digest)
    findings = tuple(scan.findings)
    return FileReport(name, source, verdict_of(findings), findings, digest)
