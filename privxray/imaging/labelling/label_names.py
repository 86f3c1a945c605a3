"""Which class a label of the csv means: as it is written, in other capitals or blanks, or by a map.

A label that the study does not know is named, so that a person can map it. A cell may hold what identifies a
patient, if columns were shifted. So a label is named only if its words name nobody, or if it stands with
several patients; anything else is counted.

Tested in tests/unit/test_imaging_labels.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from privxray.errors import MalformedError, UsageError
from privxray.imaging.labelling.problems import listed
from privxray.naming.patient_id import PatientId
from privxray.naming.public_names import public_name

LABEL_MAP = "label map"
"""The choice of a data set that says which class further labels mean: pairs of ``--map``, as JSON."""

_SHAPE = re.compile(r"[\w .+/-]{1,32}")
_LONG_NUMBER = re.compile(r"\d{4}")
_MOST_NAMED = 12


class LabelNames:
    """Finds the class of a label.

    :param classes: of the study; None where no study is known, and any label is taken as it is.
    :param mapped: further labels, and the class that each means.
    :raises UsageError: a label is mapped to something that is no class.
    """

    def __init__(self, classes: Sequence[str] | None, mapped: Mapping[str, str] | None = None) -> None:
        self.classes = classes
        self._found: dict[str, str] = {}
        for name in reversed(classes or ()):  # of two that differ by capitals alone, the first counts
            self._found[_plain(name)] = name
        for label, meant in (mapped or {}).items():
            if classes is not None and meant not in classes:
                raise UsageError(
                    f"--map: '{meant}' is no class of the study, which has {', '.join(classes)}",
                    reason="map.no-such-class",
                    advice="Type: --map LABEL=CLASS,LABEL=CLASS",
                )
            self._found[_plain(label)] = meant

    def find(self, label: str) -> str | None:
        """The class, or None where the study does not know the label."""
        if self.classes is None or label in self.classes:
            return label
        return self._found.get(_plain(label))


def read_map(text: str) -> dict[str, str]:
    """What ``--map`` says, for example ``Bacterial=bacteria,Viral=virus``.

    :raises UsageError: it is not of this form.
    """
    found = {}
    for pair in text.split(","):
        label, is_there, meant = (part.strip() for part in pair.partition("="))
        if not (label and is_there and meant):
            raise UsageError(
                "--map needs pairs of a label and a class",
                reason="map.form",
                advice="Type: --map LABEL=CLASS,LABEL=CLASS, for example --map Bacterial=bacteria",
            )
        found[label] = meant
    return found


@dataclass
class UnknownLabels:
    """The labels of a csv that the study does not know."""

    rows: dict[str, list[int]] = field(default_factory=dict)
    patients: dict[str, set[PatientId | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: Iterable[tuple[str, int, PatientId | None]]) -> UnknownLabels:
        """Some labels, each with its row and its patient."""
        found = cls()
        for label, row, patient in labels:
            found.add(label, row, patient)
        return found

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.rows)

    def add(self, label: str, row: int, patient: PatientId | None) -> None:
        """Note one."""
        self.rows.setdefault(label, []).append(row)
        self.patients.setdefault(label, set()).add(patient)

    def __str__(self) -> str:
        """For example ``Bacterial (18 rows), tuberculosis (2)``."""
        counted = sorted(self.rows, key=lambda label: -len(self.rows[label]))
        named = [label for label in counted if self._names_nobody(label)][:_MOST_NAMED]
        said = [f"{label} ({len(self.rows[label])})" for label in named]
        if said:
            said[0] = said[0][:-1] + (" row)" if len(self.rows[named[0]]) == 1 else " rows)")
        hidden = sorted(row for label in counted if label not in named for row in self.rows[label])
        if hidden:
            kinds = len(counted) - len(named)
            which = "one that is" if kinds == 1 else f"{kinds} that are"
            rows = listed((f"row {row}" for row in hidden), 4)
            said.append(f"{which} not shown, for a label may name somebody ({rows})")
        return ", ".join(said)

    def error(self, csv: str, classes: Sequence[str]) -> MalformedError:
        """All of them as one error. :param csv: what an error calls the csv."""
        first = next((label for label in self.rows if self._names_nobody(label)), "LABEL")
        return MalformedError(
            f"unknown labels: {self}; the study has {', '.join(classes)}",
            reason="labels.unknown-label",
            file=csv,
            advice=f"Correct the csv, or say what they mean: --map '{first}={classes[-1]}',...",
        )

    def _names_nobody(self, label: str) -> bool:
        if not _SHAPE.fullmatch(label) or _LONG_NUMBER.search(label):
            return False
        path = PurePath(label.replace("/", " "))
        if public_name(path, 0) == str(path):
            return True
        patients = self.patients[label]
        names = {_plain(patient.reveal()) for patient in patients if patient is not None}
        return len(patients) > 1 and _plain(label) not in names


def _plain(label: str) -> str:
    """A label without what spreadsheets and people change: capitals, and how many blanks there are."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())
