"""The checked data set of a hospital: one private SQLite file, without a name in it.

::

    data/data.db      0600, in a folder of mode 0700
      image           content, copy, patient, label, split: the index, one row an image
      pixels          content -> the canonical image, 260 x 260 bytes
      feature         content, extractor -> its frozen features, float32 little-endian

``content`` and ``patient`` are HMAC-SHA256 under a secret of the workspace, so the file alone tells neither
who is in it nor, by comparing hashes, which files of a public or stolen collection are. No path and no
patient id is kept. The labels are in clear; the folder's permissions and the disk's encryption guard them.

Pixels are kept in the database and not in files of their own: one transaction covers index and pixels, an
fsync covers many images, nothing is orphaned, and what is deleted is overwritten (secure_delete).

An ingest stages pixels in small transactions and writes all its index rows in one at the end. Interrupted
before that, it has changed no index row, and the next one finds the pixels and need not decode them again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from privxray.errors import MalformedError, WorkspaceError
from privxray.imaging.decode import DECODER, SIZE
from privxray.workspace.atomic import make_private_folder

FILE = "data.db"

VAL_SHARE = 0.2
"""Probability that a patient whose split nobody named is held out."""

_FORMAT = 100 + int(DECODER)  # pixels of another decoder are another format
_ANEW = "Delete the folder and ingest the images again"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS made (tag BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS image (
    content BLOB NOT NULL, copy INTEGER NOT NULL, patient BLOB NOT NULL, label TEXT NOT NULL,
    split TEXT NOT NULL, PRIMARY KEY (content, copy)) STRICT;
CREATE TABLE IF NOT EXISTS pixels (content BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS feature (
    content BLOB NOT NULL, extractor TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (content, extractor)) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the index. ``content`` and ``patient`` are keyed hashes of 32 bytes."""

    content: bytes
    patient: bytes
    label: str
    split: str


class Dataset:
    """An open data set; made, empty, where there is none yet.

    :param folder: the workspace's ``data`` folder.
    :param secret: 32 bytes of this workspace, the key of every hash in it.
    :raises MalformedError: the file is damaged, of another version, or made under another secret.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._secret = secret
        self._path = folder / FILE
        make_private_folder(folder)
        if not self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with self._explained():
            self._db = connect(self._path)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._prepare()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What was committed is on the disk."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes, durable at its end, or none."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    # Names

    def content_key(self, data: bytes) -> bytes:
        """The name of a file's bytes in this data set."""
        return self._hash("content", hashlib.sha256(data).digest())

    def patient_key(self, patient: str) -> bytes:
        """The name of a patient in this data set."""
        return self._hash("patient", patient.encode())

    def default_split(self, patient: bytes) -> str:
        """Where a patient goes whom neither the csv nor the index places.

        A keyed hash decides for each patient alone, so that one patient more or less moves no other.
        """
        drawn = int.from_bytes(self._hash("split", patient)[:8], "big") / 2**64
        return "val" if drawn < VAL_SHARE else "train"

    # The index

    def find(self, content: bytes) -> Entry | None:
        """The row of these bytes, the first where there are several."""
        row = self._one("SELECT content, patient, label, split FROM image WHERE content = ?", content)
        return Entry(*row) if row else None

    def split_of(self, patient: bytes) -> str | None:
        """The split of a patient who is in the index."""
        row = self._one("SELECT split FROM image WHERE patient = ?", patient)
        return str(row[0]) if row else None

    def entries(self, split: str | None = None) -> list[Entry]:
        """The rows of a split or of all, by patient and content: no csv decides the order."""
        query = (
            "SELECT content, patient, label, split FROM image WHERE ? IS NULL OR split = ? "
            "ORDER BY patient, content, copy"
        )
        return [Entry(*row) for row in self._all(query, split, split)]

    def counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Images and patients by split and label. Exact, so for the hospital's own screen only."""
        query = "SELECT split, label, count(*), count(DISTINCT patient) FROM image GROUP BY split, label"
        return {(split, label): (images, number) for split, label, images, number in self._all(query)}

    def patients(self, split: str | None = None) -> int:
        """How many patients a split, or the whole, has."""
        query = "SELECT count(DISTINCT patient) FROM image WHERE ? IS NULL OR split = ?"
        row = self._one(query, split, split)
        assert row is not None
        return int(row[0])

    def fingerprint(self) -> str:
        """A keyed hash of the whole index, in hex: it changes with any row, and tells nothing else."""
        mac = hmac.new(self._secret, b"privxray/data/fingerprint\0", hashlib.sha256)
        for entry in self.entries():
            for part in (entry.content, entry.patient, entry.label.encode(), entry.split.encode()):
                mac.update(len(part).to_bytes(4, "big") + part)
        return mac.hexdigest()

    def commit(self, entries: Sequence[Entry], *, replace: bool = False) -> int:
        """Add rows, and drop all pixels and features that no row needs, in one transaction.

        The same bytes may come twice, for one patient. They are counted, not named: an entry that came before
        is not added again, whatever its file was called. Pixels must be staged.

        :param replace: the rows are the whole index from now on.
        :returns: how many rows the index has gained beyond those that were there before.
        """
        copies: dict[bytes, int] = {}
        with self.transaction():
            before = self._db.execute("SELECT content, copy FROM image").fetchall()
            if replace:
                self._db.execute("DELETE FROM image")
            for entry in entries:
                copy = copies[entry.content] = copies.get(entry.content, -1) + 1
                self._db.execute(
                    "INSERT OR IGNORE INTO image VALUES (?, ?, ?, ?, ?)",
                    (entry.content, copy, entry.patient, entry.label, entry.split),
                )
            for table in ("pixels", "feature"):
                query = f"DELETE FROM {table} WHERE content NOT IN (SELECT content FROM image)"  # noqa: S608
                self._db.execute(query)
            after = self._db.execute("SELECT content, copy FROM image").fetchall()
        return len(set(after) - set(before))

    # Pixels and features

    def has_pixels(self, content: bytes) -> bool:
        """Whether these bytes were decoded before, by an ingest that was completed or not."""
        return self._one("SELECT 1 FROM pixels WHERE content = ?", content) is not None

    def stage(self, images: Mapping[bytes, npt.NDArray[np.uint8]]) -> None:
        """Keep canonical images ``[260, 260]`` by content, in one transaction."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO pixels VALUES (?, ?)",
                [(content, image.tobytes()) for content, image in images.items()],
            )

    def pixels(self, content: bytes) -> npt.NDArray[np.uint8]:
        """The canonical image, uint8 ``[260, 260]``. :raises MalformedError: it is missing or damaged."""
        row = self._one("SELECT data FROM pixels WHERE content = ?", content)
        if row is None or len(row[0]) != SIZE * SIZE:
            raise self._damaged()
        return np.frombuffer(row[0], np.uint8).reshape(SIZE, SIZE)

    def keep_features(self, extractor: str, rows: Mapping[bytes, npt.NDArray[np.float32]]) -> None:
        """Keep features by content, in one transaction."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO feature VALUES (?, ?, ?)",
                [(content, extractor, row.astype("<f4").tobytes()) for content, row in rows.items()],
            )

    def has_features(self, extractor: str) -> set[bytes]:
        """The contents whose features by this extractor are kept."""
        rows = self._all("SELECT content FROM feature WHERE extractor = ?", extractor)
        return {bytes(row[0]) for row in rows}

    def features(self, extractor: str, content: bytes) -> npt.NDArray[np.float32]:
        """Kept features. :raises MalformedError: they are missing or damaged."""
        query = "SELECT data FROM feature WHERE content = ? AND extractor = ?"
        row = self._one(query, content, extractor)
        if row is None or len(row[0]) % 4:
            raise self._damaged()
        return np.frombuffer(row[0], "<f4").astype(np.float32)

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _FORMAT):
            raise MalformedError(
                "the data set was made by another version of privxray", file=self._path, advice=_ANEW
            )
        tag = self._hash("made", b"")
        with self.transaction():
            for statement in filter(str.strip, _SCHEMA.split(";\n")):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")
            self._db.execute("INSERT INTO made SELECT ? WHERE NOT EXISTS (SELECT 1 FROM made)", (tag,))
        if self._one("SELECT 1 FROM made WHERE tag = ?", tag) is None:
            raise MalformedError(
                "the data set was made under another state of this workspace", file=self._path, advice=_ANEW
            )

    def _hash(self, purpose: str, value: bytes) -> bytes:
        return hmac.new(self._secret, f"privxray/data/{purpose}\0".encode() + value, hashlib.sha256).digest()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._explained(), closing(self._db.execute(query, values)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._explained():
            return self._db.execute(query, values).fetchall()

    def _damaged(self) -> MalformedError:
        return MalformedError("the data set is damaged", file=self._path, advice=_ANEW)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # OperationalError also means a full disk or a lock, which is no damage.
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise
            raise self._damaged() from None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only where it is told to."""
    return sqlite3.connect(path, isolation_level=None, timeout=10)


def class_indices(entries: Sequence[Entry], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The labels of rows as positions in ``classes``.

    :raises WorkspaceError: the data set holds a label that the study doesn't know.
    """
    places = {label: place for place, label in enumerate(classes)}
    if any(entry.label not in places for entry in entries):
        raise WorkspaceError(
            "the data set was ingested for a study with other classes",
            advice="Type: privxray ingest FOLDER --labels labels.csv --replace",
        )
    return np.array([places[entry.label] for entry in entries], np.int64)


def patient_numbers(entries: Sequence[Entry]) -> npt.NDArray[np.int64]:
    """The patients of rows as dense numbers from 0, in the order of the rows."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(entry.patient, len(numbers)) for entry in entries], np.int64)
