"""What image files themselves say of their patient, for comparison with the csv.

Tested in tests/unit/test_imaging_sources.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources.source import Source
from privxray.imaging.labelling.patient_sources import Sources, contradictions, id_of_file, plain_id
from privxray.imaging.labelling.problems import Problems
from privxray.imaging.labelling.row import Row
from privxray.naming.patient_id import PatientId


def ids_of(data: bytes) -> tuple[PatientId | None, str]:
    """PatientID and StudyInstanceUID of a file; None and empty where it has none."""
    if not is_dicom(data):
        return None, ""
    from privxray.imaging.display.dicom_file import attributes  # pydicom is slow to import

    found = attributes(data, ("PatientID", "StudyInstanceUID"))
    patient = found["PatientID"]
    return PatientId(patient) if patient else None, found["StudyInstanceUID"]


def expect_one_patient_each(rows: Iterable[Row], images: Source, csv: str) -> None:
    """Make sure that a csv and the files that it names agree on who is who.

    :param images: where the rows' images are. :param csv: what an error calls the csv.
    :raises MalformedError: they contradict each other; see
        :mod:`privxray.imaging.labelling.patient_sources`.
    """
    problems = Problems(csv)
    listed = (_sources(row, images) for row in rows)
    for error, place in contradictions(csv, [one for one in listed if one is not None]):
        problems.add(error, place)
    problems.raise_any()


def _sources(row: Row, images: Source) -> Sources | None:
    try:
        file_id, visit = ids_of(images.file(row.relative).read_whole())
    except UnreadFileError:
        return None  # whoever reads it for its own sake says so
    named = row.patient or file_id
    if named is None:
        return None
    compared = None if file_id is None else id_of_file(file_id)
    return Sources(f"row {row.number}", named, plain_id(named), compared, visit or None)
