"""Where each patient of a csv of labels is: in one split, and at one site.

Tested in tests/unit/test_imaging_grey_pipeline.py and tests/unit/test_imaging_labels.py.
"""

from __future__ import annotations

from privxray.imaging.labelling.label_rules import broken_row
from privxray.naming.patient_id import PatientId


class PatientPlaces:
    """Notes where each patient is, and refuses a patient in two places.

    A patient in two splits would be trained on and tested on. A patient at two sites would count as two. Ids
    that are one but for their spelling count as one patient here.

    :param csv: what an error calls the csv.
    """

    def __init__(self, csv: str) -> None:
        self._csv = csv
        self._first: dict[PatientId, tuple[int, str | None, str | None]] = {}

    def add(self, patient: PatientId, number: int, split: str | None, site: str | None) -> None:
        """Note one row.

        :param patient: anything that stands for the patient and can be compared.
        :param number: the row's number. :param split: None where the csv names none; ``site`` likewise.
        :raises MalformedError: an earlier row has the patient in another split or at another site.
        """
        first, first_split, first_site = self._first.setdefault(patient, (number, split, site))
        if split != first_split:
            raise broken_row(self._csv, number, "split", reason="labels.patient-in-two-splits", first=first)
        if site != first_site:
            raise broken_row(self._csv, number, "site", reason="labels.patient-at-two-sites", first=first)
