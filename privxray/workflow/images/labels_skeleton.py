"""``labels``: a csv to fill in, with a row for each image of a folder and what its header says.

It holds patients' ids, so only its owner can read it, and it stays inside the hospital. No workspace is
needed: the csv may be filled in before a study begins.

Tested in tests/cli/test_labels_command.py.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources.selection import select
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.sources.zip_archive import zips_closed
from privxray.errors import UsageError
from privxray.workflow.common.callbacks import Progress
from privxray.workspace.atomic import PRIVATE, write_atomic

COLUMNS = ("file", "patient", "accession_number", "study_date", "label")
"""``ingest`` reads file, patient and label; the others are for a join with a list from the RIS."""

_HEADER = ("PatientID", "AccessionNumber", "StudyDate")


@dataclass(frozen=True)
class Skeleton:
    """What was written.

    :ivar images: rows. :ivar without_patient: rows without a Patient ID, which is to be filled in too.
    :ivar skipped: files of the folder that are no images.
    """

    images: int
    without_patient: int
    skipped: int


@zips_closed()
def write_skeleton(
    folder: Path, target: Path, *, force: bool = False, progress: Progress | None = None
) -> Skeleton:
    """Write the csv, mode 0600; UTF-8 with a byte order mark, so that spreadsheets read it rightly.

    :param force: replace a file that exists.
    :raises UsageError: the folder has no image.
    """
    found = select([folder])
    if not found.files:
        raise UsageError(
            "there is no image in this folder",
            reason="labels.no-image",
            advice="Name a folder that holds DICOM, JPEG or PNG files",
        )
    rows = []
    for number, file in enumerate(found.files, start=1):
        rows.append((file.relative.as_posix(), *_of_header(file), ""))
        if progress is not None:
            progress(number, len(found.files))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *rows])
    write_atomic(target, text.getvalue().encode("utf-8-sig"), mode=PRIVATE, overwrite=force)
    return Skeleton(len(rows), sum(not patient for _, patient, *_ in rows), len(found.passed_over))


def _of_header(file: SourceFile) -> tuple[str, ...]:
    """What the header says; empty cells for what it does not, and for a file that can't be read."""
    try:
        data = file.read_whole()
    except UnreadFileError:
        return ("",) * len(_HEADER)
    if not is_dicom(data):
        return ("",) * len(_HEADER)
    from privxray.imaging.display.dicom_file import attributes

    return tuple(attributes(data, _HEADER).values())
