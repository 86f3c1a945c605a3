"""The ledger's file: one transaction on it at a time. Tested in tests/unit/test_privacy_ledger.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from privxray.errors import MalformedError, SystemTroubleError, about

_BUSY_SECONDS = 60.0  # how long a command waits for another one


@contextmanager
def transaction(path: Path, *, immediate: bool = False) -> Iterator[sqlite3.Connection]:
    """One transaction on the file: committed at the end of the block, rolled back if that raised."""
    if not path.is_file():
        raise MalformedError(
            "there is no privacy ledger here",
            reason="ledger.absent",
            file=path,
            advice="Put it back from a backup "
            "(privxray help backup); what was spent can't be known without it",
        )
    try:
        # mode=rw: SQLite must not make an empty ledger where one vanished.
        place = f"{path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(place, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        with closing(connection) as database:
            database.execute("PRAGMA synchronous = EXTRA")  # see privxray.workspace.state
            database.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache as well
            database.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")
            try:
                with about(path):
                    yield database
            except BaseException:
                # Closing would do it only once the error, whose traceback holds a cursor, is forgotten.
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise SystemTroubleError(
            f"the privacy ledger can't be used ({error})",
            reason="system.database",
            file=path,
            advice="Check that the disk is neither full nor read-only, then type the same command again",
        ) from error
    except sqlite3.DatabaseError as error:
        raise MalformedError(
            "this is not a privacy ledger, or it is damaged",
            reason="ledger.not-a-database",
            file=path,
            advice="Put the ledger back from a backup (privxray help backup); what was spent can't be known "
            "without it",
        ) from error
