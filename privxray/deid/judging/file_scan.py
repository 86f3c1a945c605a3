"""One file's check, by what its bytes are; and the search of one file for a set's identifying values."""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path

from privxray.deid.dicomfile.element import Data
from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError, read_or_map
from privxray.deid.findings import rules
from privxray.deid.findings.report import Finding
from privxray.deid.judging.dicom_scan import scan_dicom
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.picture_scan import is_jpeg, is_png, scan_jpeg, scan_png
from privxray.deid.judging.scan import Scan
from privxray.deid.profile.profile import Profile

NO_IMAGE = "neither DICOM (with its 128-byte preamble) nor JPEG nor PNG"

NO_MEMORY = "it needs more memory than there is"

STUMBLED = "the reader stumbled over it, which is a fault of this tool"


def scan_bytes(data: Data, profile: Profile) -> Scan:
    """Check one file's bytes, by what they are. Raises nothing, whatever they are."""
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


def scan_file(path: Path, profile: Profile, *, digest: bool, mapped: bool) -> tuple[Scan, str]:
    """Check one file: what was found, and its SHA-256, empty without ``digest`` or where it is not read."""
    try:
        data = read_or_map(path, mapped=mapped)
    except UnreadFileError as trouble:
        return Scan(damage=str(trouble)), ""
    scan = scan_bytes(data, profile)
    return scan, hashlib.sha256(data).hexdigest() if digest else ""


def search_file(path: Path, leaks: LeakSearch, *, mapped: bool) -> list[Finding]:
    """Look for a set's identifying values in one file; empty for what is no DICOM file.

    A file that could be read and no longer can be, or over which the search stumbles, fails with the reason.
    """
    try:
        data = read_or_map(path, mapped=mapped)
        return list(leaks.in_dicom(data)) if is_dicom(data) else []
    except UnreadFileError as trouble:
        return [rules.UNREADABLE.because(str(trouble))]
    except MemoryError:
        return [rules.UNREADABLE.because(NO_MEMORY)]
    except Exception:  # noqa: BLE001  as in examine
        return [rules.UNREADABLE.because(STUMBLED)]
