"""The part of a hospital's state that remembers which patients were in which counts, for good.

It holds the keyed hash of each patient's name that the data set has, as :mod:`.trained_tables` does for
trainings, and no class, age or sex.

Tested in tests/cli/test_withdraw.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from privxray.naming.patient_id import PatientKey
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS counting (
    place INTEGER PRIMARY KEY, study TEXT NOT NULL, number INTEGER NOT NULL, UNIQUE (study, number)) STRICT;
CREATE TABLE IF NOT EXISTS counted_patient (
    place INTEGER NOT NULL, patient BLOB NOT NULL, PRIMARY KEY (place, patient)) STRICT, WITHOUT ROWID;
"""


class CountedTables(Tables):
    """Methods over the tables above."""

    def note_counted(self, study: str, number: int, patients: Iterable[PatientKey]) -> None:
        """Note whom a description or an evaluation counts, within a transaction, before any noise is drawn.

        :param number: of the round whose counts they are. Noted twice, it is of all patients of both calls.
        """
        self._db.execute("INSERT OR IGNORE INTO counting (study, number) VALUES (?, ?)", (study, number))
        query = "SELECT place FROM counting WHERE study = ? AND number = ?"
        ((place,),) = self._all(query, study, number)
        rows = [(place, patient) for patient in patients]
        self._db.executemany("INSERT OR IGNORE INTO counted_patient VALUES (?, ?)", rows)

    def countings(self) -> list[tuple[str, int]]:
        """Study and round of each description or evaluation whose patients are noted, oldest first."""
        return [(row["study"], row["number"]) for row in self._all("SELECT * FROM counting ORDER BY place")]

    def countings_of(self, patients: Iterable[PatientKey]) -> list[tuple[str, int]]:
        """Those that counted one of these patients, oldest first."""
        query = (
            "SELECT study, number FROM counting JOIN counted_patient USING (place) WHERE patient = ? "
            "ORDER BY place"
        )
        found = {(row["study"], row["number"]) for key in patients for row in self._all(query, key)}
        return [one for one in self.countings() if one in found]
