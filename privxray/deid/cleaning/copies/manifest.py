"""What became of each source file, in the workspace: ``data/deid.db`` beside ``data/data.db``.

::

    run     dest, settings, labels, unfinished      a folder of copies, by a keyed hash of its path
    file    dest, source, size, changed, source_sha256, result_sha256, result, reason
    name    patient, name, assigned                 by a keyed hash, under which name a patient's copies go

``source`` is a keyed hash of a path (for a file in a zip, with the path in it), so that the manifest names
nobody. The two digests are plain, so that an auditor who holds a source and its copy finds the pair with
``sha256sum``. The manifest links copies to sources and never leaves the workspace. A row is written after its
file is whole on the disk. A crash between the two does no harm, for the same source gives the same bytes
again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from privxray.deid.sources.source_file import SourceFile
from privxray.errors import MalformedError
from privxray.workspace.private_database import PrivateDatabase

FILE = "deid.db"

_ADVICE = (
    "Put back a backup of this file "
    "(privxray help backup). Or delete it, and name a new, empty folder for the copies"
)
_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    dest BLOB PRIMARY KEY, settings TEXT NOT NULL, labels TEXT, unfinished INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS file (
    dest BLOB NOT NULL, source BLOB NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL, result_sha256 TEXT, result TEXT, reason TEXT,
    PRIMARY KEY (dest, source)) STRICT;
CREATE TABLE IF NOT EXISTS name (
    patient BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, assigned INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one source.

    :ivar size: of the source in bytes. :ivar changed: its time of modification in ns.
    :ivar source_sha256: hex; empty where it could not be read.
    :ivar result_sha256: of the copy, hex; None where there is none.
    :ivar result: the copy's path below the folder of copies; None where there is none.
    :ivar reason: why there is no copy; None where there is one.
    """

    size: int
    changed: int
    source_sha256: str
    result_sha256: str | None = None
    result: str | None = None
    reason: str | None = None


class Manifest:
    """An open manifest. An empty one is made where there is none yet. Use as a context manager.

    :param folder: the workspace's ``data`` folder.
    :param secret: 32 bytes of this workspace, the key of the hashes of paths.
    :raises MalformedError: the file is damaged, or of another version.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._secret = secret
        self._path = folder / FILE
        self._db = PrivateDatabase(self._path, self._damaged)
        if self._db.number("PRAGMA user_version") not in (0, _FORMAT):
            raise MalformedError(
                "the manifest of de-identified files was made by another version of privxray",
                reason="manifest.other-version",
                file=self._path,
                advice="Use that version. Or delete this file, and name a new, empty folder for the copies",
            )
        self._db.write_script(_SCHEMA)
        self._db.write(f"PRAGMA user_version = {_FORMAT}")

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def settings_of(self, dest: Path) -> str | None:
        """How the copies in a folder were made; None for a folder that this workspace has not made."""
        row = self._db.first("SELECT settings FROM run WHERE dest = ?", self._dest_key(dest))
        return str(row[0]) if row else None

    def begin(self, dest: Path, settings: str) -> None:
        """Note a folder of copies, before the first is written."""
        self._db.write(
            "INSERT INTO run VALUES (?, ?, NULL, 1) ON CONFLICT (dest) DO UPDATE SET unfinished = 1",
            self._dest_key(dest),
            settings,
        )

    def end(self, dest: Path) -> None:
        """Note that a run came to its end."""
        self._db.write("UPDATE run SET unfinished = 0 WHERE dest = ?", self._dest_key(dest))

    def unfinished(self) -> int:
        """How many folders there are whose last run was cut off."""
        return self._db.number("SELECT count(*) FROM run WHERE unfinished")

    def find(self, dest: Path, source: SourceFile) -> Entry | None:
        """What became of a source; None for a new one."""
        query = (
            "SELECT size, changed, source_sha256, result_sha256, result, reason FROM file "
            "WHERE dest = ? AND source = ?"
        )
        row = self._db.first(query, self._dest_key(dest), self._key("source", source.address))
        return Entry(*row) if row else None

    def note(self, dest: Path, source: SourceFile, entry: Entry) -> None:
        """Note what became of a source, in place of what was noted before."""
        self._db.write(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dest, source) DO UPDATE SET "
            "size = excluded.size, changed = excluded.changed, source_sha256 = excluded.source_sha256, "
            "result_sha256 = excluded.result_sha256, result = excluded.result, reason = excluded.reason",
            self._dest_key(dest),
            self._key("source", source.address),
            entry.size,
            entry.changed,
            entry.source_sha256,
            entry.result_sha256,
            entry.result,
            entry.reason,
        )

    def touch(self, dest: Path, source: SourceFile, size: int, changed: int) -> None:
        """Note that a source has another time of modification, but the same bytes."""
        self._db.write(
            "UPDATE file SET size = ?, changed = ? WHERE dest = ? AND source = ?",
            size,
            changed,
            self._dest_key(dest),
            self._key("source", source.address),
        )

    def labels_of(self, dest: Path) -> str | None:
        """The digests that the csv of labels in a folder may have, separated by spaces."""
        row = self._db.first("SELECT labels FROM run WHERE dest = ?", self._dest_key(dest))
        return None if row is None or row[0] is None else str(row[0])

    def note_labels(self, dest: Path, digests: str) -> None:
        """Note the digests that the csv of labels may have from now on."""
        self._db.write("UPDATE run SET labels = ? WHERE dest = ?", digests, self._dest_key(dest))

    def _dest_key(self, dest: Path) -> bytes:
        return self._key("dest", os.path.realpath(dest))

    def name_of(self, patient: bytes) -> str | None:
        """Under which name the copies of a patient go; None for a new one.

        :param patient: the Patient ID as a keyed hash (``Pseudonyms.hashed``).
        """
        row = self._db.first("SELECT name FROM name WHERE patient = ?", patient)
        return None if row is None else str(row[0])

    def note_names(self, names: Mapping[bytes, str]) -> None:
        """Note the names of patients before their first copies are written."""
        with self._db.transaction():
            self._db.write_many(
                "INSERT OR IGNORE INTO name VALUES (?, ?, 0)", sorted(names.items(), key=itemgetter(1))
            )

    def assign(self, patient: bytes, name: str) -> bool:
        """Note an assigned name; False where another patient has it."""
        self._db.write("INSERT OR IGNORE INTO name VALUES (?, ?, 1)", patient, name)
        return self.name_of(patient) == name

    def assigned(self) -> dict[bytes, str]:
        """All assigned names, by the hash of the patient."""
        rows = self._db.all("SELECT patient, name FROM name WHERE assigned")
        return {bytes(patient): str(name) for patient, name in rows}

    def _key(self, purpose: str, place: str) -> bytes:
        text = f"privxray/manifest/{purpose}\0".encode() + os.fsencode(place)
        return hmac.new(self._secret, text, hashlib.sha256).digest()

    def _damaged(self) -> MalformedError:
        return MalformedError(
            "the manifest of de-identified files is damaged",
            reason="manifest.damaged",
            file=self._path,
            advice=_ADVICE,
        )
