"""Reading a study's index: which images and patients it has, in which split, with which label.

Tested in tests/unit/test_imaging_dataset.py.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from typing import Self

from privxray.imaging.data_set.dataset_file import DatasetFile
from privxray.imaging.data_set.entries import Entry, SourceKeys
from privxray.naming.patient_id import PatientKey


class StudyIndex(DatasetFile):
    """The index of one study."""

    _left_out: frozenset[bytes] = frozenset()

    def find(self, content: bytes) -> Entry | None:
        """The index row of a file's bytes, the first where there are several; None where there is none."""
        query = "SELECT content, patient, label, split FROM image WHERE study = ? AND content = ?"
        row = self._db.first(query, self._study, content)
        return Entry(*row) if row else None

    def split_of(self, patient: PatientKey) -> str | None:
        """The split of a patient; None where the patient is not in the index."""
        query = "SELECT split FROM image WHERE study = ? AND patient = ?"
        row = self._db.first(query, self._study, patient)
        return str(row[0]) if row else None

    def entries(self, split: str | None = None) -> list[Entry]:
        """The rows of one split, or all rows, ordered by patient and content.

        The order is a fact of the data set alone: it does not depend on the order of a csv.
        """
        query = (
            "SELECT content, patient, label, split FROM image WHERE study = ? AND (? IS NULL OR split = ?) "
            "ORDER BY patient, content, copy"
        )
        rows = (Entry(*row) for row in self._db.all(query, self._study, split, split))
        return [entry for entry in rows if entry.patient not in self._left_out]

    def without(self, patients: Collection[PatientKey]) -> Self:
        """The same data set, whose :meth:`entries` leave these patients out."""
        view = copy(self)
        view._left_out = frozenset(patients)
        return view

    def counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """How many images and patients each split and label has.

        The counts are exact, so they are for the hospital's own screen only.
        """
        query = (
            "SELECT split, label, count(*), count(DISTINCT patient) FROM image WHERE study = ? "
            "GROUP BY split, label"
        )
        rows = self._db.all(query, self._study)
        return {(split, label): (images, number) for split, label, images, number in rows}

    def patients(self, split: str | None = None) -> int:
        """How many patients one split has, or the whole data set."""
        query = "SELECT count(DISTINCT patient) FROM image WHERE study = ? AND (? IS NULL OR split = ?)"
        return self._db.number(query, self._study, split, split)

    def fingerprint(self, split: str | None = None) -> str:
        """A keyed hash of the index or of a split, in hex. It changes with any row, and with the decoder."""
        mac = self.keys.fingerprint()
        query = "SELECT coalesce(max(decoder), 1) FROM image JOIN pixels USING (content) WHERE study = ?"
        if (decoder := self._db.number(query, self._study)) > 1:
            mac.update(b"decoder" + decoder.to_bytes(4, "big"))
        for entry in self.entries(split):
            for part in (entry.content, entry.patient, entry.label.encode(), entry.split.encode()):
                mac.update(len(part).to_bytes(4, "big") + part)
        return mac.hexdigest()

    def sources(self) -> dict[bytes, SourceKeys]:
        """What stands for the ids that the csv and the files gave, by content, as far as it was noted."""
        query = "SELECT content, spelling, id, visit FROM source WHERE study = ?"
        return {content: SourceKeys(*keys) for content, *keys in self._db.all(query, self._study)}

    def split_of_spelling(self, spelling: bytes) -> str | None:
        """The split of a patient whose id differs from this one by spelling alone; None where there is none.

        :param spelling: what stands for the id, as in :class:`SourceKeys`.
        """
        query = "SELECT split FROM image JOIN source USING (study, content) WHERE study = ? AND spelling = ?"
        row = self._db.first(query, self._study, spelling)
        return str(row[0]) if row else None

    def choice(self, name: str) -> str | None:
        """What was chosen for this study's data set; None where nothing was."""
        query = "SELECT value FROM choice WHERE study = ? AND name = ?"
        row = self._db.first(query, self._study, name)
        return str(row[0]) if row else None

    def traits(self, name: str) -> dict[PatientKey, str]:
        """The values of one column, by patient of this study."""
        query = (
            "SELECT patient, value FROM trait WHERE patient IN (SELECT patient FROM image WHERE study = ?) "
            "AND name = ?"
        )
        return dict(self._db.all(query, self._study, name))

    def trait_names(self) -> list[str]:
        """The columns that patients of this study have values in."""
        query = (
            "SELECT DISTINCT name FROM trait WHERE patient IN (SELECT patient FROM image WHERE study = ?) "
            "ORDER BY name"
        )
        return [str(row[0]) for row in self._db.all(query, self._study)]
