"""Bars of long steps on a terminal, with rate and time left. Tested in tests/cli/test_terminal.py.

A step is drawn from the first tick that comes a tenth of a second after its begin, so short ones don't flash
by, and nothing is drawn while somebody is asked for a passphrase. All that are under way share one display.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from privxray.steps import Tick

_UNSEEN_SECONDS = 0.1


class StepBars:
    """Draws steps. :param console: on which, made when the first one is drawn."""

    def __init__(self, console: Callable[[], Console]) -> None:
        self._console = console
        self._display: Progress | None = None
        self._tasks: dict[Tick, TaskID] = {}

    def begin(self, what: str) -> Tick:
        """See :class:`privxray.steps.Watcher`."""
        start = monotonic()

        def tick(done: int, total: int) -> None:
            seconds = monotonic() - start
            rate = f"{done / max(seconds, 1e-3):,.1f}/s"
            if tick in self._tasks:
                self._shown().update(self._tasks[tick], completed=done, total=total or None, rate=rate)
            elif seconds >= _UNSEEN_SECONDS and (not total or done < total):
                display = self._shown()
                self._tasks[tick] = display.add_task(what, completed=done, total=total or None, rate=rate)
                display.start()

        return tick

    def end(self, tick: Tick) -> None:
        """See :class:`privxray.steps.Watcher`."""
        if tick not in self._tasks:
            return
        self._shown().remove_task(self._tasks.pop(tick))
        if not self._tasks:
            self._shown().stop()
            self._display = None

    give_up = end

    def note(self, what: str) -> None:
        """Notes are not drawn."""

    def _shown(self) -> Progress:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._display is None:
            self._display = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=self._console(),
                transient=True,
            )
        return self._display
