"""The index rows of an ingest: whose image it is, in which split, and what contradicts that.

Tested in tests/unit/test_imaging_dataset.py and tests/unit/test_imaging_sources.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from privxray.errors import MalformedError, PrivxrayError, RefusedError
from privxray.imaging.data_set.dataset import Dataset
from privxray.imaging.data_set.entries import Entry, SourceKeys
from privxray.imaging.labelling.file_sources import ids_of
from privxray.imaging.labelling.patient_places import PatientPlaces
from privxray.imaging.labelling.patient_sources import (
    Sources,
    contradictions,
    id_of_file,
    plain_id,
    spelling_variants,
)
from privxray.imaging.labelling.row import Row
from privxray.naming.patient_id import PatientId, PatientKey

KEPT = "an image of the data set"
"""How a message calls an image that is not of this csv."""

_CORRECT = (
    "If the new csv is right, type the command again with --update, which takes its changes, or with "
    "--replace, which makes this csv the whole data set"
)


@dataclass(frozen=True)
class Ways:
    """How what the csv says stands to what the data set has.

    :ivar replace: the csv is the whole data set from now on. :ivar update: where both differ, the csv counts.
    """

    replace: bool = False
    update: bool = False

    @property
    def csv_counts(self) -> bool:
        """Whether what is in the data set contradicts nothing."""
        return self.replace or self.update


@dataclass(frozen=True)
class IndexedRow:
    """A row of the csv with its row of the index. :ivar name: the file's public name."""

    row: Row
    name: str
    entry: Entry


class IndexRows:
    """Makes one index row after the other, and refuses what contradicts those before or the data set.

    :param csv: what an error calls the csv.
    :ivar rows: the rows so far. :ivar sources: by content, what stands for the ids of each.
    """

    def __init__(self, csv: str, dataset: Dataset, ways: Ways) -> None:
        self.rows: list[IndexedRow] = []
        self.sources: dict[bytes, SourceKeys] = {}
        self._csv = csv
        self._dataset = dataset
        self._ways = ways
        self._places = PatientPlaces(csv)
        self._first: dict[bytes, tuple[int, Entry]] = {}
        self._splits: dict[bytes, str] = {}

    def add(self, row: Row, data: bytes, name: str) -> Entry:
        """The index row of one image.

        :param row: of the csv. :param data: the image's file. :param name: the file's public name.
        :raises MalformedError: no patient is known for it, the csv puts its patient in two places, or another
            row gives the same bytes to another patient or another label.
        :raises RefusedError: the data set has the patient in another split, or the image with another patient
            or label.
        """
        file_id, visit = ids_of(data)
        named = row.patient or file_id
        if named is None:
            raise MalformedError(
                f"no patient is known for this image ({self.place_of(row)})",
                reason="labels.no-patient",
                file=name,
                advice="Add a column `patient` to the csv, with one pseudonym for all of a patient's images",
            )
        plain = plain_id(named)
        if row.patient is None:
            self._places.add(plain, row.number, row.split, row.site)
        keys = self._keys(plain, file_id, visit)
        patient = self._dataset.patient_key(named)
        split = self._split_of(row, patient, keys.spelling)
        entry = Entry(self._dataset.content_key(data), patient, row.label, split)
        self._expect_one_owner(row, entry)
        self._expect_owner_inside(row, entry, name)
        self.rows.append(IndexedRow(row, name, entry))
        self.sources[entry.content] = keys
        return entry

    def place_of(self, row: Row) -> str:
        """How an error names a row."""
        return f"row {row.number} of {self._csv}"

    def contradictions(self) -> Iterator[tuple[PrivxrayError, str]]:
        """What the sources of all rows, and of the data set that they come to, contradict each other in."""
        yield from contradictions(self._csv, self._all_sources())

    def spelling_variants(self) -> list[str]:
        """The places of patients of whom another differs by spelling alone."""
        return [place for place in spelling_variants(self._all_sources()) if place != KEPT]

    def _all_sources(self) -> list[Sources]:
        listed = [
            Sources(f"row {one.row.number}", one.entry.patient, *self.sources[one.entry.content])
            for one in self.rows
        ]
        if self._ways.replace:
            return listed
        patients = {entry.content: entry.patient for entry in self._dataset.entries()}
        kept = [
            Sources(KEPT, patients[content], *keys)
            for content, keys in self._dataset.sources().items()
            if content in patients and content not in self.sources
        ]
        return listed + kept

    def _keys(self, plain: PatientId, file_id: PatientId | None, visit: str) -> SourceKeys:
        keys, compared = self._dataset.keys, None if file_id is None else id_of_file(file_id)
        return SourceKeys(
            keys.of("spelling", plain.reveal().encode()),
            None if compared is None else keys.of("id", compared.reveal().encode()),
            keys.of("visit", visit.encode()) if visit else None,
        )

    def _split_of(self, row: Row, patient: PatientKey, spelling: bytes) -> str:
        """The split that the csv names, else the one that the patient is in, else the default one.

        Patients whose ids differ by spelling alone share the split of the first of them.
        """
        dataset = self._dataset
        known = None
        if not self._ways.replace:
            known = dataset.split_of(patient) or dataset.split_of_spelling(spelling)
        if known is not None and row.split is not None and known != row.split and not self._ways.update:
            raise RefusedError(
                f"{self.place_of(row)} puts a patient into a different split from the one in the data set",
                reason="dataset.patient-in-other-split",
                advice=_CORRECT,
            )
        drawn = row.split or known or dataset.default_split(patient)
        return self._splits.setdefault(spelling, drawn)

    def _expect_one_owner(self, row: Row, entry: Entry) -> None:
        first, before = self._first.setdefault(entry.content, (row.number, entry))
        differs = difference(before, entry)
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
        inside = None if self._ways.csv_counts else self._dataset.find(entry.content)
        differs = "" if inside is None else difference(inside, entry)
        if differs:
            raise RefusedError(
                f"this image is in the data set already, with another {differs} ({self.place_of(row)})",
                reason="dataset.other-patient" if differs == "patient" else "dataset.other-label",
                file=name,
                advice=_CORRECT,
            )


def difference(one: Entry, other: Entry) -> str:
    """What two rows of one image differ in; empty where they agree."""
    if one.patient != other.patient:
        return "patient"
    return "label" if one.label != other.label else ""


def with_content(one: IndexedRow, content: bytes) -> IndexedRow:
    """The same row for a file that stands for another with the same picture."""
    return replace(one, entry=replace(one.entry, content=content))
