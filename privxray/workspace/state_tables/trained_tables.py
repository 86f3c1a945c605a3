"""The part of a hospital's state that remembers which patients were in which training, for good.

It is kept beside the rounds and not in the data set, which an ingest replaces and which may be deleted. It
holds the same keyed hashes as the data set does (:mod:`privxray.imaging.data_set.dataset_keys`), and no name.

Tested in tests/unit/test_workspace_trained.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from privxray.naming.patient_id import PatientKey
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS training_data (
    place INTEGER PRIMARY KEY, study TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL,
    time TEXT, UNIQUE (study, number, digest)) STRICT;
CREATE TABLE IF NOT EXISTS trained_image (
    place INTEGER NOT NULL, content BLOB NOT NULL, picture BLOB NOT NULL, patient BLOB NOT NULL,
    label TEXT NOT NULL, PRIMARY KEY (place, content)) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class TrainedImage:
    """An image that a training saw.

    :ivar content: stands for its file. :ivar picture: stands for its pixels, whatever file they came in.
    :ivar patient: stands for its patient. All three are keyed hashes of 32 bytes.
    """

    content: bytes
    picture: bytes
    patient: PatientKey
    label: str


@dataclass(frozen=True, slots=True)
class DataVersion:
    """The training patients of a data set as a training saw them.

    :ivar digest: a keyed hash of their rows, in hex.
    :ivar time: when noise was first drawn for them; None where a version of privxray trained that did not
        note it.
    """

    place: int
    digest: str
    time: str | None


class TrainedTables(Tables):
    """Methods over the tables above."""

    def note_training(
        self, study: str, number: int, *, digest: str, time: str | None, images: Iterable[TrainedImage]
    ) -> None:
        """Note what a training sees, before it draws any noise. The same data are noted once.

        :param number: of the round whose training it is.
        """
        row = self._one(
            "SELECT place FROM training_data WHERE study = ? AND number = ? AND digest = ?",
            *(study, number, digest),
        )
        if row is not None:
            return
        cursor = self._db.execute(
            "INSERT INTO training_data (study, number, digest, time) VALUES (?, ?, ?, ?)",
            (study, number, digest, time),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO trained_image VALUES (?, ?, ?, ?, ?)",
            [(cursor.lastrowid, one.content, one.picture, one.patient, one.label) for one in images],
        )

    def data_of_training(self, study: str, number: int) -> DataVersion | None:
        """The newest data that the training of a round saw; None where none is noted."""
        row = self._one(
            "SELECT place, digest, time FROM training_data WHERE study = ? AND number = ? "
            "ORDER BY place DESC LIMIT 1",
            *(study, number),
        )
        return None if row is None else DataVersion(row["place"], row["digest"], row["time"])

    def images_of(self, version: DataVersion) -> list[TrainedImage]:
        """The images of one version of the data."""
        query = "SELECT content, picture, patient, label FROM trained_image WHERE place = ?"
        return [TrainedImage(*row) for row in self._all(query, version.place)]

    def trained_images(self, study: str) -> list[TrainedImage]:
        """Every image that any training of a study ever saw."""
        query = (
            "SELECT DISTINCT content, picture, patient, label FROM trained_image "
            "JOIN training_data USING (place) WHERE study = ?"
        )
        return [TrainedImage(*row) for row in self._all(query, study)]

    def trainings_of(self, patients: Iterable[PatientKey]) -> list[tuple[str, int]]:
        """Study and round of each training that saw one of these patients, oldest first."""
        query = (
            "SELECT DISTINCT study, number FROM training_data JOIN trained_image USING (place) "
            "WHERE patient = ? ORDER BY place"
        )
        found = [(row["study"], row["number"]) for key in patients for row in self._all(query, key)]
        return list(dict.fromkeys(found))

    def images_of_patients(self, patients: Iterable[PatientKey]) -> list[TrainedImage]:
        """Every image of these patients that any training ever saw."""
        query = "SELECT DISTINCT content, picture, patient, label FROM trained_image WHERE patient = ?"
        return [TrainedImage(*row) for key in patients for row in self._all(query, key)]
