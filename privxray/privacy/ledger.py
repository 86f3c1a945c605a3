"""The ledger of a hospital's privacy budget: one for all its studies, for as long as the hospital exists.

Its rules, in the order in which they matter:

* A run is *reserved* before any noise is drawn for it, and only if it composes to at most the lifetime
  epsilon together with all that was ever reserved or spent. It is marked as *spending* before the first
  draw, and as *released* after the last.
* A reservation can be withdrawn as long as nothing was drawn for it. After that it stays charged, whatever
  becomes of the run.
* The ledger holds events, not epsilons, because events compose without loss with whatever comes later.
* Entries are only ever appended. The hash of each covers the hash before it, so an entry that was changed or
  taken out breaks the chain. The last hash and the number of entries are kept beside the chain, so missing
  entries at the end are noticed too. A whole file put back from a backup is a valid ledger: against that,
  exported files carry :meth:`Ledger.head`.

The file is SQLite with ``synchronous=EXTRA`` and a rollback journal. When a call returns, its change is on
disk completely; if it fails, nothing is. Commands that run at the same time wait for each other.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from privxray.errors import STATUS_SAYS, BudgetError, RefusedError
from privxray.privacy import accountant, affordable
from privxray.privacy.adaptive_filter import filter_of
from privxray.privacy.events import Event, merge
from privxray.privacy.guarantee import Guarantee, Promise, require_delta, require_epsilon
from privxray.privacy.ledger_chain import SCHEMA, Book, Charges, Entry, State, append, genesis_hash, read
from privxray.privacy.ledger_file import transaction
from privxray.privacy.sampling import LEAST_SAMPLED_NOISE
from privxray.workspace.atomic import PRIVATE, write_atomic

_DOES = {"spend": "begin", "release": "end", "withdraw": "be withdrawn"}

__all__ = ["Entry", "Ledger", "State"]


class Ledger:
    """A hospital's ledger on disk.

    Every method opens the file, checks its chain, and closes it again. So each can also raise what
    :meth:`open` raises.

    :param limit: for the hospital's lifetime, all studies together.
    """

    def __init__(self, path: Path, limit: Guarantee) -> None:
        self.path = path
        self.limit = limit

    @classmethod
    def create(cls, path: Path, limit: Guarantee) -> Ledger:
        """Make a ledger. Its limit is fixed for good.

        :param limit: for all studies together; epsilon in (0, 100], delta in (0, 1).
        :raises RefusedError: there is a file of that name already.
        :raises UsageError: epsilon or delta out of range.
        """
        require_epsilon(limit.epsilon)
        require_delta(limit.delta)
        # The columns are REAL, and the chain hashes what is read back.
        limit = Guarantee(float(limit.epsilon), float(limit.delta))
        # It is built in memory and then written like any other file, so no crash leaves half a ledger.
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            database.executescript(SCHEMA)
            secret = secrets.token_bytes(32)
            database.execute(
                "INSERT INTO ledger VALUES (1, ?, ?, ?, 0, ?)",
                (limit.epsilon, limit.delta, secret, genesis_hash(limit, secret)),
            )
            content = database.serialize()
        write_atomic(path, content, mode=PRIVATE)
        return cls(path, limit)

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Open a ledger and check it.

        :raises MalformedError: there is none, or it was altered, or the file is something else.
        :raises SystemTroubleError: the operating system refuses to open it.
        """
        with transaction(path) as database:
            book = read(database)
        return cls(path, book.limit)

    def reserve(self, study: str, run: str, events: Sequence[Event], promise: Promise | None = None) -> State:
        """Charge ``events`` to a run, before it draws any noise. A resumed run is not charged again.

        :param events: at least one.
        :param promise: the delta that they were planned at, and for how many patients; None for a plan whose
            hospitals have not stated their sizes.
        :raises UsageError: that delta promises nothing to so many.
        :returns: ``reserved``, or how far the run is if it was reserved before.
        :raises BudgetError: it would exceed the lifetime limit; nothing was written.
        :raises RefusedError: a step that samples has less noise than
            :data:`.sampling.LEAST_SAMPLED_NOISE`; this run was reserved with other events.
        """
        if not events:
            raise ValueError("a run that draws no noise has nothing to reserve")
        if promise is not None:
            promise.require()
        events = merge(events)
        if any(event.q < 1.0 and event.noise < LEAST_SAMPLED_NOISE for event in events):
            raise RefusedError(
                f"a step that samples patients needs noise of at least {LEAST_SAMPLED_NOISE:g} over its "
                "sensitivity; nothing was spent",
                reason="budget.noise-too-small",
                advice="Ask the coordinator for a plan with a larger sampling rate or more steps",
            )
        with self._change() as (database, book):
            state = book.state(study, run)
            if state is not None:
                if book.events(study, run) != events:
                    raise RefusedError(
                        "the privacy ledger was charged for this run with other privacy parameters, and a "
                        "charge can't be changed",
                        reason="ledger.other-charge",
                        advice="Go on with the parameters that it began with, or wait for the next round",
                    )
                return state
            self._admit(book, events)
            append(database, book, "reserve", study, run, events)
        return "reserved"

    def begin(self, study: str, run: str) -> None:
        """Mark a run as spending, before its first draw. Once this returns, the charge is final.

        A run that is spending already goes on; its saved answers tell from where.

        :raises RefusedError: the run was not reserved, or it is released and must not draw again.
        """
        self._advance(study, run, "spend", {"reserved": True, "spending": False})

    def finish(self, study: str, run: str) -> None:
        """Mark a run as released: all its noise is drawn. Doing it twice is the same as doing it once.

        :raises RefusedError: the run is not spending.
        """
        self._advance(study, run, "release", {"spending": True, "released": False})

    def withdraw(self, study: str, run: str) -> None:
        """Take back a reservation for which nothing was drawn.

        :raises RefusedError: the run was not reserved, or it is spending or released and stays charged.
        """
        self._advance(study, run, "withdraw", {"reserved": True})

    def state(self, study: str, run: str) -> State | None:
        """``reserved``, ``spending``, ``released``, or None where nothing is charged."""
        return self._read().state(study, run)

    def events(self, study: str | None = None, run: str | None = None) -> tuple[Event, ...]:
        """All that is charged, reserved or spent: in all studies, in one, or for one run of it."""
        return self._read().events(study, run)

    def charged(self) -> Charges:
        """By study and run, how far the run is and what is charged for it, oldest first."""
        return self._read().charges

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        return self._read().entries

    def cost(self, study: str | None = None, delta: float | None = None) -> Guarantee:
        """What is charged in all studies, or in one, at the limit's delta unless another is given.

        :raises UsageError: delta not in (0, 1).
        """
        return accountant.guarantee(self.events(study), self.limit.delta if delta is None else delta)

    def admits(self, events: Sequence[Event]) -> bool:
        """Whether a run with these events would be charged, were it reserved now."""
        return self._read().admits(events)

    def expect_room(self, events: Sequence[Event]) -> None:
        """Nothing where :meth:`reserve` would charge a new run with these events.

        :raises BudgetError: it would exceed the lifetime limit.
        """
        self._admit(self._read(), merge(events))

    def admitted(self) -> Guarantee:
        """What holds for all that is charged, whatever it depended on; see :mod:`.adaptive_filter`."""
        return Guarantee(filter_of(self.limit).epsilon(self.events()), self.limit.delta)

    def room(self) -> tuple[Event, ...]:
        """The run of Gaussian noise that would take all that is left; see :mod:`.affordable`."""
        return affordable.room(self.limit, past=self.events())

    def head(self, study: str) -> str:
        """A tag of the ledger as it is now, for this study's files: 64 hex digits.

        With it the hospital can tell later whether its ledger is older than a file that left. The tag is
        HMAC-SHA256 under the ledger's own secret. So nobody else can link the tags of two studies, or guess
        from them how many other studies there are.
        """
        book = self._read()
        return _tag(book, study, book.head)

    def heads(self, study: str) -> frozenset[str]:
        """Every tag that :meth:`head` has ever given for this study.

        The tag of a newer state of this ledger, or of another ledger, is not among them.
        """
        book = self._read()
        return frozenset(_tag(book, study, one) for one in (book.genesis, *(e.hash for e in book.entries)))

    def _admit(self, book: Book, events: tuple[Event, ...]) -> None:
        past, rule = book.events(), filter_of(book.limit)
        if rule.admits([*past, *events]):
            return
        total = Guarantee(rule.epsilon([*past, *events]), book.limit.delta)
        used = rule.epsilon(past)
        left = floored(affordable.largest_epsilon(book.limit, past=past))
        advice = (
            f"You can still spend about epsilon {left:g}: ask for that or less"
            if left > 0
            else "Nothing is left: this hospital can't train on these patients again"
        )
        raise BudgetError(
            f"with this run the hospital would have spent {total}, more than its lifetime limit "
            f"{book.limit.epsilon:g} (so far {used:.4g}); nothing was spent",
            reason="budget.exceeded",
            advice=advice,
        )

    def _advance(
        self, study: str, run: str, kind: Literal["spend", "release", "withdraw"], allowed: dict[State, bool]
    ) -> None:
        """Move a run on, or refuse.

        :param allowed: the states that the run may be in, and whether an entry is written then.
        """
        with self._change() as (database, book):
            state = book.state(study, run)
            if state is None:
                raise RefusedError(
                    "the privacy ledger has not been charged for this run",
                    reason="ledger.not-reserved",
                    advice=STATUS_SAYS,
                )
            if state not in allowed:
                raise RefusedError(
                    f"the privacy ledger says that this run is {state}, so it can't {_DOES[kind]}",
                    reason="ledger.wrong-state",
                    advice=STATUS_SAYS,
                )
            if allowed[state]:
                append(database, book, kind, study, run, ())

    def _read(self) -> Book:
        with transaction(self.path) as database:
            return read(database)

    @contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Connection, Book]]:
        with transaction(self.path, immediate=True) as database:
            yield database, read(database)


def floored(epsilon: float) -> float:
    """An epsilon rounded down to hundredths, so that it is admitted when it is typed back as --epsilon."""
    return math.floor(epsilon * 100) / 100


def _tag(book: Book, study: str, head: bytes) -> str:
    return hmac.new(book.secret, study.encode() + b"\0" + head, hashlib.sha256).hexdigest()
