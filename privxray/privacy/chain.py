"""The ledger's entries as SQL and as a hash chain: reading them is checking them.

Entry number k has the hash SHA-256 of the JSON array [previous hash, k, kind, study, run, events, at]; the
first one's previous hash is that of the ledger's own constants, so a limit can't be raised by hand unnoticed.
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
from privxray.privacy.events import Event, from_json, merge
from privxray.privacy.guarantee import Guarantee

EntryKind = Literal["reserve", "spend", "release", "withdraw"]
State = Literal["reserved", "spending", "released"]

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

_NEXT: dict[tuple[State | None, EntryKind], State | None] = {
    (None, "reserve"): "reserved",
    ("reserved", "spend"): "spending",
    ("spending", "release"): "released",
    ("reserved", "withdraw"): None,
}


@dataclass(frozen=True)
class Entry:
    """One line of the book. ``events`` is empty except for a reservation."""

    number: int
    kind: EntryKind
    study: str
    run: str
    events: tuple[Event, ...]
    at: str
    hash: bytes


@dataclass(frozen=True)
class Book:
    """A ledger that was read and found whole."""

    limit: Guarantee
    secret: bytes
    genesis: bytes
    entries: tuple[Entry, ...]
    states: dict[tuple[str, str], tuple[State, tuple[Event, ...]]]

    @property
    def head(self) -> bytes:
        """The hash that the next entry covers."""
        return self.entries[-1].hash if self.entries else self.genesis

    def state(self, study: str, run: str) -> State | None:
        """Where a run stands, or None if nothing is charged for it."""
        found = self.states.get((study, run))
        return found[0] if found else None

    def events_of(self, study: str, run: str) -> tuple[Event, ...]:
        """What is charged for one run."""
        return self.states[study, run][1]

    def events(self, study: str | None = None) -> tuple[Event, ...]:
        """What is charged in one study, or in all."""
        charged = [
            event
            for (name, _), (_, events) in self.states.items()
            if study is None or name == study
            for event in events
        ]
        return merge(charged)


def read(database: sqlite3.Connection) -> Book:
    """Read the whole book and check its chain.

    :raises MalformedError: no ledger of this format, or a broken chain.
    """
    constants = database.execute(
        "SELECT format, epsilon_limit, delta, secret, length, head FROM ledger"
    ).fetchall()
    if len(constants) != 1 or constants[0][0] != 1:
        raise MalformedError("this is not a privacy ledger of a format that this version knows")
    _, epsilon_limit, delta, secret, length, head = constants[0]
    limit = Guarantee(epsilon_limit, delta)
    genesis = genesis_hash(limit, secret)
    entries: list[Entry] = []
    states: dict[tuple[str, str], tuple[State, tuple[Event, ...]]] = {}
    previous = genesis
    rows = database.execute("SELECT number, kind, study, run, events, at, hash FROM entries ORDER BY number")
    for expected, (number, kind, study, run, text, at, digest) in enumerate(rows, start=1):
        if number != expected or digest != _hash([previous.hex(), number, kind, study, run, text, at]):
            raise _broken()
        entry = Entry(number, kind, study, run, _events(text), at, digest)
        _follow(states, entry)
        entries.append(entry)
        previous = digest
    if length != len(entries) or head != previous:
        raise _broken()
    return Book(limit, secret, genesis, tuple(entries), states)


def append(
    database: sqlite3.Connection, book: Book, kind: EntryKind, study: str, run: str, events: Sequence[Event]
) -> None:
    """Add one entry to ``book``, inside the caller's transaction."""
    number = len(book.entries) + 1
    text = json.dumps([event.to_json() for event in events], separators=(",", ":"), sort_keys=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    digest = _hash([book.head.hex(), number, kind, study, run, text, at])
    database.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", (number, kind, study, run, text, at, digest)
    )
    database.execute("UPDATE ledger SET length = ?, head = ?", (number, digest))


def genesis_hash(limit: Guarantee, secret: bytes) -> bytes:
    """The hash that the first entry covers, of the ledger's constants."""
    return _hash([1, limit.epsilon, limit.delta, hashlib.sha256(secret).hexdigest()])


def _follow(states: dict[tuple[str, str], tuple[State, tuple[Event, ...]]], entry: Entry) -> None:
    key = (entry.study, entry.run)
    current = states.get(key)
    step = (current[0] if current else None, entry.kind)
    if step not in _NEXT or (entry.kind == "reserve") != bool(entry.events):
        raise _broken()
    following = _NEXT[step]
    if following is None:
        del states[key]
    else:
        states[key] = (following, entry.events or (current[1] if current else ()))


def _events(text: str) -> tuple[Event, ...]:
    try:
        return from_json(json.loads(text))
    except ValueError as error:
        raise _broken() from error


def _hash(content: list[object]) -> bytes:
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode()).digest()


def _broken() -> MalformedError:
    return MalformedError(
        "the privacy ledger was changed: its chain of entries is broken",
        advice="Put back the untouched file; without it what was spent is not known, so nothing more may be",
    )
