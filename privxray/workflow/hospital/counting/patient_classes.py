"""The class of a patient: that of most images, so that a patient counts once whatever the images say.

Tested in tests/unit/test_patient_counts.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from privxray.errors import WorkspaceError
from privxray.imaging.data_set.entries import Entry
from privxray.naming.patient_id import PatientKey


def classes_of_patients(entries: Iterable[Entry], classes: Sequence[str]) -> dict[PatientKey, int]:
    """By patient, the number of the class. Of two that are equally frequent it is the first of the plan's.

    :raises WorkspaceError: an image has a label that the study does not know.
    """
    found: dict[PatientKey, Counter[str]] = {}
    for entry in entries:
        if entry.label not in classes:
            raise WorkspaceError(
                "the data set was ingested for a study with other classes",
                reason="dataset.other-classes",
                advice="Type: privxray ingest FOLDER --labels labels.csv --replace",
            )
        found.setdefault(entry.patient, Counter())[entry.label] += 1
    return {
        patient: max(range(len(classes)), key=lambda place: (labels[classes[place]], -place))
        for patient, labels in found.items()
    }
