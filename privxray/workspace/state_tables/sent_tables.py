"""The part of a workspace's state that remembers each file that left, for good.

A row is written before its file is. So a file that left is always in the record; a row whose file was never
written is what a crash between the two leaves, and the same command writes the file.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, study TEXT,
    round INTEGER NOT NULL, recipients TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL UNIQUE,
    epsilon REAL, delta REAL) STRICT;
"""


@dataclass(frozen=True)
class SentFile:
    """A file that left.

    :ivar at: when it was first written where it leaves from; UTC to the second.
    :ivar kind: of a file that travels, or ``model for other programs``.
    :ivar name: of the file. :ivar study: None where it belongs to none. :ivar round: 0 likewise.
    :ivar recipients: fingerprints of those whom it names; empty where anybody may have it.
    :ivar size: in bytes. :ivar sha256: in hex.
    :ivar epsilon: of an update, what it states that the study has cost a patient. :ivar delta: at which.
    """

    at: str
    kind: str
    name: str
    study: str | None
    round: int
    recipients: tuple[str, ...]
    size: int
    sha256: str
    epsilon: float | None = None
    delta: float | None = None


class SentTables(Tables):
    """Methods over the table above."""

    def note_sent(self, file: SentFile) -> None:
        """Note a file that leaves now; one with the same bytes stays noted as of the first time."""
        self._db.execute(
            "INSERT OR IGNORE INTO sent VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.at,
                file.kind,
                file.name,
                file.study,
                file.round,
                json.dumps(file.recipients),
                file.size,
                file.sha256,
                file.epsilon,
                file.delta,
            ),
        )

    def sent(self) -> list[SentFile]:
        """All of them, oldest first. A state of an earlier version that is only looked at has none."""
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'sent'") is None:
            return []
        rows = self._all(
            "SELECT at, kind, name, study, round, recipients, size, sha256, epsilon, delta FROM sent "
            "ORDER BY number"
        )
        return [SentFile(**{**dict(row), "recipients": tuple(json.loads(row["recipients"]))}) for row in rows]
