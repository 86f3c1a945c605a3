"""Where each patient of a csv of labels is: in one split, and at one site."""

from __future__ import annotations

from privxray.imaging.label_rules import broken_row
from privxray.naming.patient_id import PatientId, PatientKey


class PatientPlaces:
    """Notes where each patient is, and refuses a patient in two places.

    A patient in two splits would be trained on and tested on. A patient at two sites would count as two.

    :param csv: what an error calls the csv.
    """

    def __init__(self, csv: str) -> None:
        self._csv = csv
        self._first: dict[PatientId | PatientKey, tuple[int, str | None, str | None]] = {}

    def add(self, patient: PatientId | PatientKey, number: int, split: str | None, site: str | None) -> None:
        """Note one row.

        :param patient: as the csv names the patient, or what stands for one whom a DICOM file names.
        :param number: the row's number. :param split: None where the csv names none; ``site`` likewise.
        :raises MalformedError: an earlier row has the patient in another split or at another site.
        """
        first, first_split, first_site = self._first.setdefault(patient, (number, split, site))
        if split != first_split:
            raise broken_row(self._csv, number, "split", reason="labels.patient-in-two-splits", first=first)
        if site != first_site:
            raise broken_row(self._csv, number, "site", reason="labels.patient-at-two-sites", first=first)
