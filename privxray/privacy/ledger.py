"""The book of a hospital's privacy budget: one for all its studies, for as long as it lives.

Rules, in the order in which they matter:

* A run is *reserved* before any noise is drawn, and only if everything ever reserved or spent composes with
  it to at most the lifetime epsilon. It is marked *spending* before the first draw, *released* after the
  last.
* A reservation can be withdrawn while nothing was drawn for it. Afterwards it stays charged, whatever became
  of the run.
* The book holds events, not epsilons: they compose without loss with whatever comes later.
* Entries are only ever appended. Each one's hash covers the hash before it, so a line that was changed or
  taken out breaks the chain; the last hash and the number of entries stand beside it, so does a cut tail.
  A whole file put back from a backup is a valid book: that is what :meth:`Ledger.head` in exported files is
  for.

The file is SQLite with ``synchronous=EXTRA`` and a rollback journal: a change is on disk, whole, before a
call returns, or not at all. Commands that run at the same time wait for each other.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from privxray.errors import BudgetError, MalformedError, RefusedError, SystemTroubleError, about
from privxray.privacy import accountant, affordable
from privxray.privacy.chain import SCHEMA, Book, Entry, State, append, genesis_hash, read
from privxray.privacy.events import Event, merge
from privxray.privacy.guarantee import Guarantee
from privxray.workspace.atomic import PRIVATE, write_atomic

_BUSY_SECONDS = 60.0

__all__ = ["Entry", "Ledger", "State"]


class Ledger:
    """A hospital's ledger on disk. Every method opens the file, checks the chain, and closes it again."""

    def __init__(self, path: Path, limit: Guarantee) -> None:
        self.path = path
        self.limit = limit

    @classmethod
    def create(cls, path: Path, limit: Guarantee) -> Ledger:
        """Start a ledger with a lifetime limit; its epsilon and its delta are fixed for good.

        :param limit: for all studies together; epsilon in (0, 100], delta in (0, 1).
        :raises RefusedError: there is a file of that name.
        :raises UsageError: epsilon or delta out of range.
        """
        accountant.require_epsilon(limit.epsilon)
        accountant.require_delta(limit.delta)
        # The columns are REAL, and the chain hashes what is read back.
        limit = Guarantee(float(limit.epsilon), float(limit.delta))
        # Built in memory and written like any other file, so that no crash leaves a half-made ledger.
        with sqlite3.connect(":memory:") as database:
            database.executescript(SCHEMA)
            secret = secrets.token_bytes(32)
            database.execute(
                "INSERT INTO ledger VALUES (1, ?, ?, ?, 0, ?)",
                (limit.epsilon, limit.delta, secret, genesis_hash(limit, secret)),
            )
            database.commit()
            content = database.serialize()
        database.close()
        write_atomic(path, content, mode=PRIVATE)
        return cls(path, limit)

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Open a ledger and check it.

        :raises MalformedError: no ledger, or its chain is broken.
        :raises SystemTroubleError: it can't be opened.
        """
        with _transaction(path) as database:
            book = read(database)
        return cls(path, book.limit)

    def reserve(self, study: str, run: str, events: Sequence[Event]) -> State:
        """Charge ``events`` to a run before it draws any noise; a resumed run finds itself charged already.

        :returns: the run's state: ``reserved``, or further along if it was reserved before.
        :raises BudgetError: more than the lifetime limit; nothing was written.
        :raises RefusedError: this run was reserved with other events, or ``events`` is empty.
        """
        if not events:
            raise RefusedError("a run that draws no noise has nothing to reserve")
        events = merge(events)
        with self._change() as (database, book):
            state = book.state(study, run)
            if state is not None:
                if book.events_of(study, run) != events:
                    raise RefusedError(
                        "this run was reserved with other privacy parameters, and a charge can't be changed",
                        advice="Go on with the parameters that it began with, or take the study's next round",
                    )
                return state
            self._admit(book, events)
            append(database, book, "reserve", study, run, events)
        return "reserved"

    def begin(self, study: str, run: str) -> None:
        """Mark a run as spending. Call it before the first draw; once it returns the charge is final.

        A run that is spending already goes on: its saved releases tell where.

        :raises RefusedError: it was not reserved, or is released and must not draw again.
        """
        self._advance(study, run, "spend", {"reserved": True, "spending": False})

    def finish(self, study: str, run: str) -> None:
        """Mark a run as released: all its noise is drawn. Doing it twice is the same as once."""
        self._advance(study, run, "release", {"spending": True, "released": False})

    def withdraw(self, study: str, run: str) -> None:
        """Give back a reservation for which nothing was drawn.

        :raises RefusedError: it was not reserved, or is spending or released: that stays charged.
        """
        self._advance(study, run, "withdraw", {"reserved": True})

    def state(self, study: str, run: str) -> State | None:
        """``reserved``, ``spending``, ``released``, or None where nothing is charged."""
        return self._read().state(study, run)

    def events(self, study: str | None = None, run: str | None = None) -> tuple[Event, ...]:
        """All that is charged, reserved or spent: in all studies, in one, or for one run of it."""
        book = self._read()
        if study is not None and run is not None:
            return book.events_of(study, run) if book.state(study, run) else ()
        return book.events(study)

    def charged(self) -> dict[tuple[str, str], tuple[State, tuple[Event, ...]]]:
        """By study and run, what is charged and how far the run is, oldest first."""
        return dict(self._read().states)

    def entries(self) -> tuple[Entry, ...]:
        """The whole book, oldest first."""
        return self._read().entries

    def cost(self, study: str | None = None, delta: float | None = None) -> Guarantee:
        """What :meth:`events` come to, at the limit's delta unless another is given."""
        return accountant.guarantee(self.events(study), self.limit.delta if delta is None else delta)

    def room(self) -> tuple[Event, ...]:
        """A run of Gaussian events that takes all that is left of the limit; empty where nothing is."""
        return affordable.room(self.limit, past=self.events())

    def head(self, study: str) -> str:
        """A tag of the book as it stands, for this study's files: 64 hex digits.

        It is HMAC-SHA256 under the ledger's own secret, so the tags of two studies can't be linked, nor the
        number of other studies guessed; the hospital can later tell whether its book is older than a file.
        """
        book = self._read()
        return _tag(book, study, book.head)

    def heads(self, study: str) -> frozenset[str]:
        """All that :meth:`head` ever was for this study; the head of a newer or another book is not in it."""
        book = self._read()
        return frozenset(_tag(book, study, one) for one in (book.genesis, *(e.hash for e in book.entries)))

    def verify(self) -> None:
        """Walk the chain from its first entry.

        :raises MalformedError: an entry was changed, or the first, the last or one between is missing.
        """
        self._read()

    def _admit(self, book: Book, events: tuple[Event, ...]) -> None:
        past = book.events()
        total = accountant.guarantee([*past, *events], book.limit.delta)
        if total.epsilon <= book.limit.epsilon:
            return
        used = accountant.epsilon(past, book.limit.delta)
        left = floored(affordable.largest_epsilon(book.limit, past=past))
        advice = (
            f"About epsilon {left:g} is still possible: a run that asks for less may fit"
            if left > 0
            else "Nothing is left: this hospital can't train on these patients again"
        )
        raise BudgetError(
            f"with this run the hospital would have spent {total}, more than its lifetime limit "
            f"{book.limit.epsilon:g} (so far {used:.4g}); nothing was spent",
            advice=advice,
        )

    def _advance(
        self, study: str, run: str, kind: Literal["spend", "release", "withdraw"], allowed: dict[State, bool]
    ) -> None:
        """Append ``kind`` if the run's state is in ``allowed``, and if the value there says so."""
        with self._change() as (database, book):
            state = book.state(study, run)
            if state is None:
                raise RefusedError("nothing is reserved for this run")
            if state not in allowed:
                raise RefusedError(f"this run is {state} in the privacy ledger, which does not allow that")
            if allowed[state]:
                append(database, book, kind, study, run, ())

    def _read(self) -> Book:
        with _transaction(self.path) as database:
            return read(database)

    @contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Connection, Book]]:
        with _transaction(self.path, immediate=True) as database:
            yield database, read(database)


def floored(epsilon: float) -> float:
    """An epsilon rounded down to hundredths: the figure is typed back as --epsilon, and must be admitted."""
    return math.floor(epsilon * 100) / 100


def _tag(book: Book, study: str, head: bytes) -> str:
    return hmac.new(book.secret, study.encode() + b"\0" + head, hashlib.sha256).hexdigest()


@contextmanager
def _transaction(path: Path, *, immediate: bool = False) -> Iterator[sqlite3.Connection]:
    """One transaction on the file, committed at the end of the block unless it raised."""
    if not path.is_file():
        raise MalformedError("there is no privacy ledger here", file=path)
    try:
        # mode=rw: a ledger that vanished must not come back empty.
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        try:
            database.execute("PRAGMA synchronous = EXTRA")  # see privxray.workspace.state
            database.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache as well
            database.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")
            try:
                with about(path):
                    yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
        finally:
            database.close()
    except sqlite3.OperationalError as error:
        raise SystemTroubleError(f"the privacy ledger can't be used ({error})", file=path) from error
    except sqlite3.DatabaseError as error:
        raise MalformedError("this is not a privacy ledger, or it is damaged", file=path) from error
