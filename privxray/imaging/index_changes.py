"""What differs between two states of an index, in words that name nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from privxray.naming.patient_id import PatientKey

IndexRow = tuple[bytes, PatientKey, str]
"""What stands for an image, what stands for its patient, and its label."""


@dataclass(frozen=True, slots=True)
class IndexChanges:
    """Counts of what is otherwise in the later state. They are exact, so they stay inside the hospital.

    :ivar labels: images whose label is another one. :ivar new: patients who came.
    :ivar gone: patients who went. :ivar other_images: patients in both who have other images.
    """

    labels: int = 0
    new: int = 0
    gone: int = 0
    other_images: int = 0

    @classmethod
    def between(cls, before: Iterable[IndexRow], after: Iterable[IndexRow]) -> IndexChanges:
        """Compare two states."""
        was, now = _by_patient(before), _by_patient(after)
        both = was.keys() & now.keys()
        return cls(
            labels=sum(
                labels != now[patient][image]
                for patient in both
                for image, labels in was[patient].items()
                if image in now[patient]
            ),
            new=len(now.keys() - was.keys()),
            gone=len(was.keys() - now.keys()),
            other_images=sum(was[patient].keys() != now[patient].keys() for patient in both),
        )

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.labels or self.new or self.gone or self.other_images)

    def __str__(self) -> str:
        """For example ``2 labels changed, 1 patient is new``."""
        said = [
            _said(self.labels, "label changed", "labels changed"),
            _said(self.new, "patient is new", "patients are new"),
            _said(self.gone, "patient is gone", "patients are gone"),
            _said(self.other_images, "patient has other images", "patients have other images"),
        ]
        return ", ".join(filter(None, said)) or "nothing changed"


def _by_patient(rows: Iterable[IndexRow]) -> dict[PatientKey, dict[bytes, set[str]]]:
    patients: dict[PatientKey, dict[bytes, set[str]]] = {}
    for image, patient, label in rows:
        patients.setdefault(patient, {}).setdefault(image, set()).add(label)
    return patients


def _said(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}" if count else ""
