"""What a workspace remembers between commands, in one SQLite file.

The privacy budget is not here: it has a ledger of its own. Of patients there are only keyed hashes, of those
who were trained on or counted (``trained_tables`` and ``counted_tables`` in
:mod:`privxray.workspace.state_tables`). How a round's state changes is written in
:mod:`privxray.workspace.transitions`.

SQLite runs with synchronous=EXTRA: a transaction is committed by deleting its journal, and FULL leaves that
deletion to the folder's next fsync, so a power cut could bring the journal back and roll back an answer that
has left. With secure_delete=ON what is deleted is overwritten in the file. A copy that the disk or a backup
made is beyond reach; docs/THREATS.md says what that leaves.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privxray.errors import MalformedError
from privxray.system import private_files
from privxray.system.names import database_uri
from privxray.workspace import key_ring
from privxray.workspace.state_tables import (
    agreed_tables,
    coordinator_tables,
    counted_tables,
    inference_tables,
    keyholder_tables,
    sent_tables,
    study_tables,
    succession_tables,
    trained_tables,
    withdrawn_tables,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_GROUPS = (
    study_tables,
    coordinator_tables,
    keyholder_tables,
    key_ring,
    inference_tables,
    trained_tables,
    counted_tables,
    sent_tables,
    withdrawn_tables,
    agreed_tables,
    succession_tables,
)


class State(
    study_tables.StudyTables,
    coordinator_tables.CoordinatorTables,
    keyholder_tables.KeyholderTables,
    inference_tables.InferenceTables,
    trained_tables.TrainedTables,
    counted_tables.CountedTables,
    sent_tables.SentTables,
    withdrawn_tables.WithdrawnTables,
    agreed_tables.AgreedTables,
    succession_tables.SuccessionTables,
):
    """An open ``state.db``. Use it as a context manager, and write inside :meth:`transaction`.

    :param path: the file; made where there is none.
    :param read_only: for looking only. Nothing is made, and an unfinished write is not taken back.
    :raises MalformedError: the file is damaged.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if not read_only:
            private_files.make_file(path)
        try:
            place = database_uri(path, "ro" if read_only else "rw")
            self._db = sqlite3.connect(place, uri=True, isolation_level=None, timeout=10)
            self._db.row_factory = sqlite3.Row
            if not read_only:
                self._db.execute("PRAGMA synchronous = EXTRA")
                self._db.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache as well
                self._db.execute("PRAGMA secure_delete = ON")
                self._db.executescript(_SCHEMA + "".join(group.SCHEMA for group in _GROUPS))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise
            raise MalformedError(
                "the workspace's state is damaged",
                reason="workspace.state-damaged",
                file=path,
                advice="Restore it from a backup (privxray help backup)",
            ) from None
        self.mask_keys = key_ring.KeyRing(self._db, "mask-key")
        self.unsealing_keys = key_ring.KeyRing(self._db, "unsealing-key")
        self.encapsulation_keys = key_ring.KeyRing(self._db, "encapsulation-key")

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes, durable at its end, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def in_use(self) -> bool:
        """Whether anything was ever made in this workspace."""
        return self._one("SELECT 1 FROM round_key UNION ALL SELECT 1 FROM round") is not None

    def setting(self, name: str) -> str | None:
        """A choice that was stored, as text; None where there is none.

        A file of an earlier version that is only looked at may lack the table.
        """
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'setting'") is None:
            return None
        row = self._one("SELECT value FROM setting WHERE name = ?", name)
        return None if row is None else str(row["value"])

    def set_setting(self, name: str, value: str) -> None:
        """Store a choice in place of an earlier one."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def secret(self, name: str) -> bytes:
        """A 32-byte secret of this workspace, made on first use."""
        query = "SELECT value FROM secret WHERE name = ?"
        if self._one(query, name) is None:
            self._db.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (name, os.urandom(32)))
        ((value,),) = self._all(query, name)
        return bytes(value)
