"""The index rows of an ingest: whose image it is, in which split, and what contradicts that.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from privxray.deid.dicomfile.file_reader import is_dicom
from privxray.errors import MalformedError, RefusedError
from privxray.imaging.dataset import Dataset, Entry
from privxray.imaging.labels import Row
from privxray.imaging.patient_places import PatientPlaces
from privxray.naming.patient_id import PatientId, PatientKey

_REPLACE = "If the new csv is right, build the data set anew: privxray ingest FOLDER --labels FILE --replace"


class IndexRows:
    """Makes one index row after the other, and refuses what contradicts those before or the data set.

    :param csv: what an error calls the csv.
    :param replace: the csv is the whole data set from now on, so what is in the data set contradicts nothing.
    :ivar entries: the rows so far.
    """

    def __init__(self, csv: str, dataset: Dataset, *, replace: bool) -> None:
        self.entries: list[Entry] = []
        self._csv = csv
        self._dataset = dataset
        self._replace = replace
        self._places = PatientPlaces(csv)
        self._first: dict[bytes, tuple[int, Entry]] = {}

    def add(self, row: Row, data: bytes, name: str) -> Entry:
        """The index row of one image.

        :param row: of the csv. :param data: the image's file. :param name: the file's public name.
        :raises MalformedError: no patient is known for it, the csv puts its patient in two places, or another
            row gives the same bytes to another patient or another label.
        :raises RefusedError: the data set has the patient in another split, or the image with another patient
            or label.
        """
        patient = self._dataset.patient_key(self._patient_of(row, data, name))
        if row.patient is None:
            self._places.add(patient, row.number, row.split, row.site)
        entry = Entry(self._dataset.content_key(data), patient, row.label, self._split_of(row, patient))
        self._expect_one_owner(row, entry)
        self._expect_owner_inside(row, entry, name)
        self.entries.append(entry)
        return entry

    def place_of(self, row: Row) -> str:
        """How an error names a row."""
        return f"row {row.number} of {self._csv}"

    def _patient_of(self, row: Row, data: bytes, name: str) -> PatientId:
        if row.patient is not None:
            return row.patient
        if is_dicom(data):
            from privxray.imaging.display.dicom_file import patient_id

            found = patient_id(data)
            if found:
                return found
        raise MalformedError(
            f"no patient is known for this image ({self.place_of(row)})",
            reason="labels.no-patient",
            file=name,
            advice="Add a column `patient` to the csv, with one pseudonym for all of a patient's images",
        )

    def _split_of(self, row: Row, patient: PatientKey) -> str:
        """The split that the csv names, else the one that the patient is in, else the default one."""
        known = None if self._replace else self._dataset.split_of(patient)
        if known is not None and row.split is not None and known != row.split:
            raise RefusedError(
                f"{self.place_of(row)} puts a patient into a different split from the one in the data set",
                reason="dataset.patient-in-other-split",
                advice=_REPLACE,
            )
        return row.split or known or self._dataset.default_split(patient)

    def _expect_one_owner(self, row: Row, entry: Entry) -> None:
        first, before = self._first.setdefault(entry.content, (row.number, entry))
        differs = _difference(before, entry)
        if differs:
            raise MalformedError(
                f"rows {first} and {row.number} name files with the same bytes, but another {differs}",
                reason="labels.bytes-of-two-patients"
                if differs == "patient"
                else "labels.bytes-of-two-labels",
                file=self._csv,
                advice="Correct or remove one of the two rows",
            )

    def _expect_owner_inside(self, row: Row, entry: Entry, name: str) -> None:
        inside = None if self._replace else self._dataset.find(entry.content)
        differs = "" if inside is None else _difference(inside, entry)
        if differs:
            raise RefusedError(
                f"this image is in the data set already, with another {differs} ({self.place_of(row)})",
                reason="dataset.other-patient" if differs == "patient" else "dataset.other-label",
                file=name,
                advice=_REPLACE,
            )


def _difference(one: Entry, other: Entry) -> str:
    """What two rows of one image differ in; empty where they agree."""
    if one.patient != other.patient:
        return "patient"
    return "label" if one.label != other.label else ""
