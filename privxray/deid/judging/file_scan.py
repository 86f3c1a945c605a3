"""One file of any kind: its scan, and the search in it for values that identify a patient of its set."""

from __future__ import annotations

import hashlib
import mmap
from typing import Final

from privxray.deid.dicomfile.element import Data
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, forget
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.dicom_scan import scan_dicom
from privxray.deid.judging.leak_findings import leaks_in_dicom
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.picture_scan import scan_jpeg, scan_png
from privxray.deid.judging.scan import Scan
from privxray.deid.profile.profile import Profile
from privxray.deid.sources.kinds import is_jpeg, is_png
from privxray.deid.sources.source_file import SourceFile

NO_IMAGE: Final = "neither DICOM nor JPEG nor PNG"

NO_MEMORY: Final = "it needs more memory than there is"

_BLOCK: Final = 1 << 22

STUMBLED: Final = "privxray could not read it, which is a fault of privxray"


def scan_bytes(data: Data, profile: Profile) -> Scan:
    """Check the bytes of one file, as the kind of file that they are. Raises nothing, whatever they are."""
    # DICOM first: a preamble can make a DICOM file look like a JPEG as well.
    try:
        if is_dicom(data):
            return scan_dicom(data, profile)
        if isinstance(data, mmap.mmap):
            data = data[:]
        if is_jpeg(data):
            return scan_jpeg(data)
        if is_png(data):
            return scan_png(data)
    except MemoryError:
        return Scan(damage=NO_MEMORY)
    except Exception:  # noqa: BLE001  one hostile file must not end the check of all others
        return Scan(damage=STUMBLED)
    return Scan(damage=NO_IMAGE)


def scan_file(file: SourceFile, profile: Profile, *, digest: bool, mapped: bool) -> tuple[Scan, str]:
    """Check one file: its scan and its SHA-256. Raises nothing, whatever the file is.

    :param digest: compute the SHA-256, for which all of the file must be read; else it is empty. It is empty
        too if the file can't be read.
    :param mapped: see :func:`~privxray.deid.dicomfile.untrusted_bytes.read_or_map`.
    """
    try:
        data = file.read(mapped=mapped)
    except UnreadFileError as trouble:
        return Scan(damage=str(trouble)), ""
    scan = scan_bytes(data, profile)
    return scan, _digest(data) if digest else ""


def _digest(data: Data) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(data), _BLOCK):
        digest.update(data[start : start + _BLOCK])
        forget(data, start, start + _BLOCK)
    return digest.hexdigest()


def search_file(file: SourceFile, leaks: LeakSearch, *, mapped: bool) -> list[Finding]:
    """Look in one file for values that identify a patient of its set. Only DICOM files are searched.

    A file that can no longer be read, or that the search stumbles over, fails with a finding that says why.

    :param mapped: see :func:`~privxray.deid.dicomfile.untrusted_bytes.read_or_map`.
    """
    try:
        data = file.read(mapped=mapped)
        return list(leaks_in_dicom(leaks, data)) if is_dicom(data) else []
    except UnreadFileError as trouble:
        return [rules.UNREADABLE.because(str(trouble))]
    except MemoryError:
        return [rules.UNREADABLE.because(NO_MEMORY)]
    except Exception:  # noqa: BLE001  as in examine
        return [rules.UNREADABLE.because(STUMBLED)]
