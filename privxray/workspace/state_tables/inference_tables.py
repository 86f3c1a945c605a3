"""The part of a workspace's state that encrypted inference needs.

``party`` holds the parties whose key words were compared outside a study, ``revoked`` those that gave their
keys up, in any study or outside. An owner remembers its offers and,
query by query, what it answered: that count is compared with an offer's limit. A hospital remembers others'
offers and its own queries. The names of the images in a query, and the
secret that opens its answer, are encrypted under the identity's storage key.

Tested in tests/cli/test_infer.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.formats.header import Fingerprint
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS party (
    fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, keys TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS revoked (
    fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, why TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS successor (old TEXT PRIMARY KEY, new TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS offer (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, model TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answered (
    query TEXT PRIMARY KEY, hospital TEXT NOT NULL, model TEXT NOT NULL, images INTEGER NOT NULL,
    sha256 TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS asked (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, header TEXT NOT NULL, names BLOB NOT NULL,
    answered INTEGER NOT NULL) STRICT;
DROP TABLE IF EXISTS holds_keys; -- of earlier versions
"""


@dataclass(frozen=True)
class Offer:
    """An offer that is kept here, made here or by another owner."""

    number: int
    digest: str
    owner: Fingerprint
    model: str


@dataclass(frozen=True)
class Asked:
    """A query of this hospital: its signed header; its images' names and its secret, sealed."""

    number: int
    digest: str
    header: str
    sealed: bytes
    answered: int


class InferenceTables(Tables):
    """Methods over the tables above."""

    # Parties

    def parties(self) -> list[tuple[str, str]]:
        """Names and public keys (JSON) of all of them."""
        return [(row["name"], row["keys"]) for row in self._all("SELECT name, keys FROM party")]

    def trust_party(self, fingerprint: Fingerprint, name: str, keys: str) -> None:
        """Remember a party whose key words were compared."""
        self._db.execute("INSERT OR REPLACE INTO party VALUES (?, ?, ?)", (fingerprint, name, keys))

    def distrust_party(self, fingerprint: Fingerprint) -> None:
        """Forget a party whose key words were compared, and its offers."""
        self._db.execute("DELETE FROM party WHERE fingerprint = ?", (fingerprint,))
        self._db.execute("DELETE FROM offer WHERE owner = ?", (fingerprint,))

    def revoke(
        self, fingerprint: Fingerprint, name: str, why: str, successor: Fingerprint | None = None
    ) -> None:
        """Remember, for good, that a party has given its key up, and which one it named in its place."""
        self._db.execute("INSERT INTO revoked VALUES (?, ?, ?)", (fingerprint, name, why))
        if successor is not None:
            self._db.execute("INSERT INTO successor VALUES (?, ?)", (fingerprint, successor))

    def name_successor(self, old: Fingerprint, name: str, why: str, successor: Fingerprint) -> None:
        """Remember who has named a key in place of one that is gone, whatever was known of that before."""
        self._db.execute("INSERT OR REPLACE INTO revoked VALUES (?, ?, ?)", (old, name, why))
        self._db.execute("INSERT OR REPLACE INTO successor VALUES (?, ?)", (old, successor))

    def successors(self) -> dict[Fingerprint, tuple[Fingerprint, str]]:
        """By each key that is gone the one that was named in its place, and the reason of :meth:`revoked`."""
        rows = self._all("SELECT old, new, why FROM successor JOIN revoked ON fingerprint = old")
        return {Fingerprint(row["old"]): (Fingerprint(row["new"]), str(row["why"])) for row in rows}

    def revoked(self, fingerprint: Fingerprint) -> tuple[str, str] | None:
        """The name and the reason of a key that was given up; None where it was not.

        A file of an earlier version that is only looked at may lack the table.
        """
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'revoked'") is None:
            return None
        row = self._one("SELECT name, why FROM revoked WHERE fingerprint = ?", fingerprint)
        return None if row is None else (row["name"], row["why"])

    # Offers

    def add_offer(self, digest: str, owner: Fingerprint, model: str) -> None:
        """Remember an offer as the newest; one that came before becomes the newest again."""
        self._db.execute("DELETE FROM offer WHERE digest = ?", (digest,))
        self._db.execute(
            "INSERT INTO offer (digest, owner, model) VALUES (?, ?, ?)",
            (digest, owner, model),
        )

    def offers(self) -> list[Offer]:
        """All offers, oldest first."""
        return [Offer(**row) for row in self._all("SELECT * FROM offer ORDER BY number")]

    # An owner's count

    def answer_to(self, query: str) -> str | None:
        """The SHA-256 of the answer that a query got."""
        row = self._one("SELECT sha256 FROM answered WHERE query = ?", query)
        return str(row["sha256"]) if row else None

    def add_answer(self, query: str, hospital: Fingerprint, model: str, images: int, sha256: str) -> None:
        """Count an answer; a query is counted once."""
        self._db.execute(
            "INSERT INTO answered VALUES (?, ?, ?, ?, ?)", (query, hospital, model, images, sha256)
        )

    def answered_images(self, hospital: Fingerprint, model: str) -> int:
        """How many images of a hospital a model has answered."""
        query = "SELECT coalesce(sum(images), 0) FROM answered WHERE hospital = ? AND model = ?"
        ((total,),) = self._all(query, hospital, model)
        return int(total)

    def answer_counts(self) -> list[tuple[Fingerprint, str, int]]:
        """Hospital, model and images answered, for all hospitals and models."""
        rows = self._all(
            "SELECT hospital, model, sum(images) AS total FROM answered GROUP BY hospital, model ORDER BY "
            "min(rowid)"
        )
        return [(Fingerprint(row["hospital"]), row["model"], int(row["total"])) for row in rows]

    # A hospital's queries

    def add_asked(self, digest: str, header: str, sealed: bytes) -> int:
        """Remember a query before it leaves; its number, counted from 1."""
        added = self._db.execute(
            "INSERT INTO asked (digest, header, names, answered) VALUES (?, ?, ?, 0)",
            (digest, header, sealed),
        )
        assert added.lastrowid is not None
        return added.lastrowid

    def asked(self) -> list[Asked]:
        """All queries, oldest first."""
        query = "SELECT number, digest, header, names AS sealed, answered FROM asked ORDER BY number"
        return [Asked(**row) for row in self._all(query)]

    def settle(self, digest: str) -> None:
        """A query was answered."""
        self._db.execute("UPDATE asked SET answered = 1 WHERE digest = ?", (digest,))
