"""Large tables of numbers and digests that a command needs only while it runs, in an unnamed database.

SQLite keeps such a database in its cache, and the rest of it in a temporary file without a name, which is
gone with the process. Nothing in it may be a patient's value: callers put keyed digests into it. Memory: at
most :data:`CACHE` for each. Tested in tests/unit/test_workspace_spool.py.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from typing import Final

CACHE: Final = 16 << 20
"""Bytes of a table's cache."""


def _unnamed() -> sqlite3.Connection:
    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute(f"PRAGMA cache_size = -{CACHE >> 10}")
    return database


class FirstValues:
    """For each of several relations: which number came first with a number. Numbers have 64 bits."""

    def __init__(self) -> None:
        self._database = _unnamed()
        weakref.finalize(self, self._database.close)
        self._database.execute(
            "CREATE TABLE firsts (relation INTEGER, one INTEGER, other INTEGER, PRIMARY KEY (relation, one)) "
            "WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def first(self, relation: int, one: int, other: int) -> int:
        """What came first with ``one`` in a relation: an earlier number, or else ``other``."""
        values = relation, one, other
        if self._database.execute("INSERT OR IGNORE INTO firsts VALUES (?, ?, ?)", values).rowcount:
            return other
        query = "SELECT other FROM firsts WHERE relation = ? AND one = ?"
        (found,) = self._database.execute(query, values[:2]).fetchone()
        return int(found)


def sorted_on_disk(digests: Iterable[bytes]) -> Iterator[bytes]:
    """The digests in ascending order; equal ones as often as they come."""
    database = _unnamed()
    database.execute("CREATE TABLE digests (digest BLOB)")
    database.execute("BEGIN")
    database.executemany("INSERT INTO digests VALUES (?)", ((digest,) for digest in digests))
    for (digest,) in database.execute("SELECT digest FROM digests ORDER BY digest"):
        yield digest
    database.close()
