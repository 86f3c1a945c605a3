"""Steps and notes as lines: for ``--verbose`` and the log. Tested in tests/cli/test_log.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privxray.steps import Tick


class ToldSteps:
    """Makes a line of each step that ends and had anything to do, and of each note.

    :param say: takes the line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._open: dict[Tick, tuple[str, float]] = {}
        self._done: dict[Tick, tuple[int, float]] = {}

    def begin(self, what: str) -> Tick:
        """See :class:`privxray.steps.Watcher`."""

        def tick(done: int, _total: int) -> None:
            self._done[tick] = done, time.monotonic()

        self._open[tick] = what, time.monotonic()
        return tick

    def end(self, tick: Tick) -> None:
        """See :class:`privxray.steps.Watcher`."""
        if tick in self._done:  # else there was nothing to do
            self._say(self._line(tick))
        self._forget(tick)

    def give_up(self, tick: Tick) -> None:
        """See :class:`privxray.steps.Watcher`."""
        if tick in self._done:
            self._say(f"{self._line(tick)}; not finished")
        self._forget(tick)

    def note(self, what: str) -> None:
        """See :class:`privxray.steps.Watcher`."""
        self._say(what)

    def _line(self, tick: Tick) -> str:
        what, start = self._open[tick]
        done, last = self._done[tick]
        return f"{what}: {done:,} in {last - start:.1f} s"

    def _forget(self, tick: Tick) -> None:
        del self._open[tick]
        self._done.pop(tick, None)
