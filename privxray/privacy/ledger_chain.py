"""The ledger's entries: their tables in SQL, and their hash chain. Whoever reads them checks them.

The hash of entry number k is SHA-256 of the JSON array [previous hash, k, kind, study, run, events, at]. The
first entry continues the hash of the ledger's own constants, so nobody can raise the limit by hand unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from privxray.errors import MalformedError
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event, from_text, merge, to_text
from privxray.privacy.guarantee import Guarantee

EntryKind = Literal["reserve", "spend", "release", "withdraw"]
State = Literal["reserved", "spending", "released"]

_RESTORE = "Put the untouched ledger back; what was spent can't be known without it"

SCHEMA = """
CREATE TABLE ledger (
    format INTEGER NOT NULL,          -- 1
    epsilon_limit REAL NOT NULL,      -- for the hospital's lifetime, all studies together
    delta REAL NOT NULL,
    secret BLOB NOT NULL,             -- key of the tags in exported files
    length INTEGER NOT NULL,          -- number of entries
    head BLOB NOT NULL                -- hash of the last one, or of the constants above
);
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,       -- 1, 2, 3, ... without a gap
    kind TEXT NOT NULL,               -- reserve, spend, release or withdraw
    study TEXT NOT NULL,
    run TEXT NOT NULL,
    events TEXT NOT NULL,             -- JSON; [] except for reserve
    at TEXT NOT NULL,                 -- UTC, ISO 8601
    hash BLOB NOT NULL
);
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append only');
END; CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append
only'); END;
"""

# Where a run is after an entry of each kind; None is a run for which nothing is charged.
_NEXT: dict[tuple[State | None, EntryKind], State | None] = {
    (None, "reserve"): "reserved",
    ("reserved", "spend"): "spending",
    ("spending", "release"): "released",
    ("reserved", "withdraw"): None,
}


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    :param number: 1, 2, 3, ... without a gap.
    :param events: what is reserved; empty for every other kind.
    :param at: UTC, ISO 8601.
    :param hash: of this entry, SHA-256.
    """

    number: int
    kind: EntryKind
    study: str
    run: str
    events: tuple[Event, ...]
    at: str
    hash: bytes


Charges = dict[tuple[str, str], tuple[State, tuple[Event, ...]]]
"""By study and run: how far the run is, and what is charged for it."""


@dataclass(frozen=True)
class Book:
    """The contents of a ledger that was read and found intact.

    :param limit: for the hospital's lifetime, all studies together.
    :param secret: 32 bytes, the key of the tags in exported files.
    :param genesis: the hash of the constants, which the first entry continues.
    :param entries: oldest first.
    :param charges: what the entries add up to, oldest first.
    """

    limit: Guarantee
    secret: bytes
    genesis: bytes
    entries: tuple[Entry, ...]
    charges: Charges

    @property
    def head(self) -> bytes:
        """The hash that the next entry continues."""
        return self.entries[-1].hash if self.entries else self.genesis

    def state(self, study: str, run: str) -> State | None:
        """How far a run is, or None if nothing is charged for it."""
        found = self.charges.get((study, run))
        return found[0] if found else None

    def events(self, study: str | None = None, run: str | None = None) -> tuple[Event, ...]:
        """What is charged, merged: in all studies, in one, or for one run of it; empty for an unknown one."""
        return merge(
            event
            for (its_study, its_run), (_, events) in self.charges.items()
            if study in (None, its_study) and run in (None, its_run)
            for event in events
        )

    def admits(self, events: Sequence[Event]) -> bool:
        """Whether a run with these events would be charged, were it reserved now."""
        return filter_of(self.limit).admits([*self.events(), *events])


def read(database: sqlite3.Connection) -> Book:
    """Read the whole ledger and check its chain.

    :raises MalformedError: not a ledger of this format; an entry that was altered, or that can't follow the
        one before it; entries that are missing at the end, or a tampered count of them.
    """
    constants = database.execute(
        "SELECT format, epsilon_limit, delta, secret, length, head FROM ledger"
    ).fetchall()
    if len(constants) != 1 or constants[0][0] != 1:
        raise MalformedError(
            "this is not a privacy ledger of a format that this version of privxray knows",
            reason="ledger.unknown-format",
            advice="Open it with the version that made it, or put the untouched ledger back",
        )
    _, epsilon_limit, delta, secret, length, head = constants[0]
    limit = Guarantee(epsilon_limit, delta)
    genesis = genesis_hash(limit, secret)
    entries: list[Entry] = []
    charges: Charges = {}
    previous = genesis
    rows = database.execute("SELECT number, kind, study, run, events, at, hash FROM entries ORDER BY number")
    for expected, (number, kind, study, run, text, at, digest) in enumerate(rows, start=1):
        if number != expected or digest != _hash([previous.hex(), number, kind, study, run, text, at]):
            raise MalformedError(
                f"entry {expected} of the privacy ledger, or something before it, was altered or taken out",
                reason="ledger.entry-altered",
                advice=_RESTORE,
            )
        entry = Entry(number, kind, study, run, from_text(text), at, digest)
        _follow(charges, entry)
        entries.append(entry)
        previous = digest
    if length != len(entries) or head != previous:
        raise MalformedError(
            "the last entries of the privacy ledger were taken out, or its count of them was altered",
            reason="ledger.end-altered",
            advice=_RESTORE,
        )
    return Book(limit, secret, genesis, tuple(entries), charges)


def append(
    database: sqlite3.Connection, book: Book, kind: EntryKind, study: str, run: str, events: Sequence[Event]
) -> None:
    """Write one more entry, inside the caller's transaction.

    :param book: as it was read in this transaction.
    :param events: what is reserved; empty for every other kind.
    """
    number = len(book.entries) + 1
    text = to_text(events)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    digest = _hash([book.head.hex(), number, kind, study, run, text, at])
    database.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", (number, kind, study, run, text, at, digest)
    )
    database.execute("UPDATE ledger SET length = ?, head = ?", (number, digest))


def genesis_hash(limit: Guarantee, secret: bytes) -> bytes:
    """The hash of the ledger's constants, which the first entry continues."""
    return _hash([1, limit.epsilon, limit.delta, hashlib.sha256(secret).hexdigest()])


def _follow(charges: Charges, entry: Entry) -> None:
    """Bring ``charges`` to where they are after ``entry``."""
    key = (entry.study, entry.run)
    state, events = charges.get(key, (None, ()))
    step = (state, entry.kind)
    if step not in _NEXT or (entry.kind == "reserve") != bool(entry.events):
        raise MalformedError(
            f"entry {entry.number} of the privacy ledger can't follow the entries before it",
            reason="ledger.entry-out-of-order",
            advice=_RESTORE,
        )
    following = _NEXT[step]
    if following is None:
        del charges[key]
    else:
        charges[key] = (following, entry.events or events)


def _hash(content: list[object]) -> bytes:
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode()).digest()
