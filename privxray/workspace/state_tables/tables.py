"""What the groups of tables in ``state.db`` share: one connection, and how to read from it.

Tested in tests/unit/test_workspace_transitions.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing


class Tables:
    """A group of tables; :class:`privxray.workspace.state.State` is all of them over one connection."""

    _db: sqlite3.Connection

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of an answer; None where there is no row."""
        with closing(self._db.execute(query, values)) as cursor:
            row: sqlite3.Row | None = cursor.fetchone()
            return row

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """All rows of an answer."""
        return self._db.execute(query, values).fetchall()
