"""The part of a hospital's state that remembers who withdrew, for good, whatever an ingest brings later.

It holds the same keyed hashes as the data set: of each name that a patient has here, and of the patient's
files and pictures, for another csv may call the same person otherwise.

Tested in tests/cli/test_withdraw.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from privxray.naming.patient_id import PatientKey
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS withdrawn (kind TEXT NOT NULL, key BLOB NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Withdrawn:
    """All who withdrew, under each of their names. Keyed hashes of 32 bytes."""

    patients: frozenset[PatientKey] = frozenset()
    contents: frozenset[bytes] = frozenset()
    pictures: frozenset[bytes] = frozenset()


NOBODY = Withdrawn()


class WithdrawnTables(Tables):
    """Methods over the table above."""

    def note_withdrawn(self, at: str, who: Withdrawn) -> None:
        """Note a patient's names, files and pictures, within a transaction. What is noted stays as of then.

        :param at: UTC.
        """
        kinds: tuple[tuple[str, Iterable[bytes]], ...] = (
            ("patient", who.patients),
            ("content", who.contents),
            ("picture", who.pictures),
        )
        rows = [(kind, key, at) for kind, keys in kinds for key in keys]
        self._db.executemany("INSERT OR IGNORE INTO withdrawn VALUES (?, ?, ?)", rows)

    def withdrawn(self) -> Withdrawn:
        """All who ever withdrew here. A state of an earlier version that is only looked at has none."""
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'withdrawn'") is None:
            return Withdrawn()
        found: dict[str, set[bytes]] = {"patient": set(), "content": set(), "picture": set()}
        for row in self._all("SELECT kind, key FROM withdrawn"):
            found[row["kind"]].add(bytes(row["key"]))
        return Withdrawn(
            frozenset(map(PatientKey, found["patient"])),
            frozenset(found["content"]),
            frozenset(found["picture"]),
        )

    def withdrawn_at(self, patients: Iterable[PatientKey]) -> str | None:
        """When a patient withdrew; None where he or she has not."""
        for key in patients:
            row = self._one("SELECT at FROM withdrawn WHERE kind = 'patient' AND key = ?", key)
            if row is not None:
                return str(row["at"])
        return None
