"""What became of each file, in the workspace: ``data/deid.db`` beside ``data/data.db``.

::

    run     dest, settings, labels, unfinished      a folder of results, by a keyed hash of its path
    file    dest, source, size, changed, source_sha256, result_sha256, result, reason

``source`` is a keyed hash of a path, so that the manifest names nobody; the two digests are plain, so that an
auditor who holds a source and its result finds the pair with ``sha256sum``. It links results to sources and
never leaves the workspace. A row is written after its file is whole on the disk; a crash between the two is
no harm, for the same source gives the same bytes again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.errors import MalformedError
from privxray.workspace.atomic import make_private_folder

FILE = "deid.db"

_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    dest BLOB PRIMARY KEY, settings TEXT NOT NULL, labels TEXT, unfinished INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS file (
    dest BLOB NOT NULL, source BLOB NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL, result_sha256 TEXT, result TEXT, reason TEXT,
    PRIMARY KEY (dest, source)) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file.

    :ivar size: of the source in bytes. :ivar changed: its time of modification in ns.
    :ivar source_sha256: hex; empty where it could not be read.
    :ivar result_sha256: hex; None where there is no result. :ivar result: path below the folder of results.
    :ivar reason: why there is none.
    """

    size: int
    changed: int
    source_sha256: str
    result_sha256: str | None = None
    result: str | None = None
    reason: str | None = None


class Manifest:
    """An open manifest; made where there is none yet. Use as a context manager.

    :param folder: the workspace's ``data`` folder.
    :param secret: 32 bytes of this workspace, the key of the hashes of paths.
    :raises MalformedError: the file is damaged.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._secret = secret
        self._path = folder / FILE
        make_private_folder(folder)
        if not self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with self._explained():
            self._db = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version not in (0, _FORMAT):
                raise MalformedError(
                    "the manifest of de-identified files was made by another version of privxray",
                    file=self._path,
                    advice="Use that version, or delete it and take a new, empty folder for the results",
                )
            self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {_FORMAT};")

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def settings_of(self, dest: Path) -> str | None:
        """How the results in a folder were made; None for a folder that is not from here."""
        row = self._one("SELECT settings FROM run WHERE dest = ?", self._key("dest", dest))
        return str(row[0]) if row else None

    def begin(self, dest: Path, settings: str) -> None:
        """Note a folder of results, before the first is written."""
        self._write(
            "INSERT INTO run VALUES (?, ?, NULL, 1) ON CONFLICT (dest) DO UPDATE SET unfinished = 1",
            self._key("dest", dest),
            settings,
        )

    def end(self, dest: Path) -> None:
        """Note that a run came to its end."""
        self._write("UPDATE run SET unfinished = 0 WHERE dest = ?", self._key("dest", dest))

    def unfinished(self) -> int:
        """How many folders there are whose last run was cut off."""
        row = self._one("SELECT count(*) FROM run WHERE unfinished")
        assert row is not None
        return int(row[0])

    def find(self, dest: Path, source: Path) -> Entry | None:
        """What became of a source; None where it is new."""
        query = (
            "SELECT size, changed, source_sha256, result_sha256, result, reason FROM file "
            "WHERE dest = ? AND source = ?"
        )
        row = self._one(query, self._key("dest", dest), self._key("source", source))
        return Entry(*row) if row else None

    def note(self, dest: Path, source: Path, entry: Entry) -> None:
        """Write down what became of a source, in place of what was noted before."""
        self._write(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dest, source) DO UPDATE SET "
            "size = excluded.size, changed = excluded.changed, source_sha256 = excluded.source_sha256, "
            "result_sha256 = excluded.result_sha256, result = excluded.result, reason = excluded.reason",
            self._key("dest", dest),
            self._key("source", source),
            entry.size,
            entry.changed,
            entry.source_sha256,
            entry.result_sha256,
            entry.result,
            entry.reason,
        )

    def touch(self, dest: Path, source: Path, size: int, changed: int) -> None:
        """Note that a source has another time of modification and the same bytes."""
        self._write(
            "UPDATE file SET size = ?, changed = ? WHERE dest = ? AND source = ?",
            size,
            changed,
            self._key("dest", dest),
            self._key("source", source),
        )

    def labels_of(self, dest: Path) -> str | None:
        """Digests, apart by spaces, that the csv of labels in a folder may have."""
        row = self._one("SELECT labels FROM run WHERE dest = ?", self._key("dest", dest))
        return None if row is None or row[0] is None else str(row[0])

    def note_labels(self, dest: Path, digests: str) -> None:
        """Note the digests that the csv of labels may have from now on."""
        self._write("UPDATE run SET labels = ? WHERE dest = ?", digests, self._key("dest", dest))

    def _key(self, purpose: str, path: Path) -> bytes:
        text = f"privxray/manifest/{purpose}\0".encode() + os.fsencode(os.path.realpath(path))
        return hmac.new(self._secret, text, hashlib.sha256).digest()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._explained(), closing(self._db.execute(query, values)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def _write(self, query: str, *values: object) -> None:
        with self._explained():
            self._db.execute(query, values)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # OperationalError also means a full disk or a lock, which is no damage.
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise
            raise MalformedError(
                "the manifest of de-identified files is damaged",
                file=self._path,
                advice="Restore a backup, or delete it and take a new, empty folder for the results",
            ) from None
