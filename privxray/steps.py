"""What a command tells of its long steps while it works: how much of one is done, and that it has ended.

The command line draws bars of it and keeps a log (:mod:`privxray.cli.watching`). Where nobody watches, as in
a program that uses :mod:`privxray.api`, nothing happens.

Words of steps and notes are constants of privxray with numbers in them, or hashes. **A name, a path or a
value out of a file never goes into them**, for they are kept in the workspace's log.

Tested in tests/unit/test_steps.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

Tick = Callable[[int, int], None]
"""Called with (done, total); a total of 0 says that it is not known yet."""


class Watcher(Protocol):
    """Somebody who is told of steps and notes."""

    def begin(self, what: str) -> Tick:
        """A step begins. :returns: what is called as it goes on."""

    def end(self, tick: Tick) -> None:
        """A step has ended well."""

    def give_up(self, tick: Tick) -> None:
        """A step has ended with an error."""

    def note(self, what: str) -> None:
        """Something has happened that takes no time."""


watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())
"""Who is told, in this process."""


@contextmanager
def step(what: str) -> Iterator[Tick]:
    """A step that may take long.

    :param what: what is done, as "Computing features".
    """
    begun = [(watcher, watcher.begin(what)) for watcher in watchers.get()]

    def tick(done: int, total: int) -> None:
        for _, told in begun:
            told(done, total)

    try:
        yield tick
    except BaseException:
        for watcher, told in begun:
            watcher.give_up(told)
        raise
    for watcher, told in begun:
        watcher.end(told)


def note(what: str) -> None:
    """Say that something has happened, as "round 2: joined -> trained"."""
    for watcher in watchers.get():
        watcher.note(what)
