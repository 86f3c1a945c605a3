"""The log of a workspace: which command was typed when, how it ended, how long its steps took.

It is ``log/privxray.log`` in the workspace: private, a megabyte, and the four before it. A line is ::

    2026-11-28T22:37:46Z 4711 train: begins (privxray 0.3.0; --epsilon --study)
    2026-11-28T22:38:01Z 4711 train: Computing features: 1,200 in 14.2 s
    2026-11-28T22:38:01Z 4711 train: ended with budget.exceeded, exit code 14, after 15.1 s

**Nothing that was typed is in it but the names of commands and options**, and nothing out of a file but
counts and hashes. A command that was killed has no last line. Whatever goes wrong with the log, the
command goes on. ``status``, ``doctor``, ``help`` and ``completion`` are not logged: they leave a workspace
as it is.

Tested in tests/cli/test_log.py.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import PrivxrayError
from privxray.version import __version__

if TYPE_CHECKING:
    from privxray.system.private_log import PrivateLog

MOST_BYTES = 1 << 20
KEPT = 4
UNLOGGED = frozenset({"", "completion", "doctor", "help", "status"})


class CommandLog:
    """The lines of one command. They wait until :meth:`keep_in` says where they go.

    :param command: its name, as ``infer ask``. :param options: the names of those that were typed.
    """

    def __init__(self, command: str, options: tuple[str, ...]) -> None:
        self._command = command
        self._start = time.monotonic()
        self._waiting: list[logging.LogRecord] = []
        self._handler: PrivateLog | None = None
        words = "".join(f" {option}" for option in options)
        self.say(f"begins (privxray {__version__};{words or ' no options'})")

    @property
    def has_a_place(self) -> bool:
        """Whether its lines are written already."""
        return self._handler is not None

    def keep_in(self, workspace: Path) -> None:
        """Write all lines into a workspace's log, those that waited and those to come."""
        from privxray.system.private_log import PrivateLog  # loads half the standard library

        self._handler = PrivateLog(
            workspace / "log" / "privxray.log",
            maxBytes=MOST_BYTES,
            backupCount=KEPT,
            encoding="utf-8",
            delay=True,
        )
        line = f"%(asctime)s {os.getpid()} {self._command}: %(message)s"
        stamped = logging.Formatter(line, "%Y-%m-%dT%H:%M:%SZ")
        stamped.converter = time.gmtime
        self._handler.setFormatter(stamped)
        for record in self._waiting:
            self._handler.handle(record)
        self._waiting.clear()

    def say(self, line: str) -> None:
        """Add a line."""
        record = logging.LogRecord("privxray", logging.INFO, "", 0, line.replace("\n", " "), None, None)
        if self._handler is None:
            self._waiting.append(record)
        else:
            self._handler.handle(record)

    def end(self, exit_code: int, error: PrivxrayError | None = None) -> None:
        """Add the last line."""
        seconds = f"after {time.monotonic() - self._start:.1f} s"
        if error is None:
            self.say(f"ended with exit code {exit_code}, {seconds}")
        else:
            fault = f" ({error.what})" if error.reason == "internal.fault" else ""
            self.say(f"ended with {error.reason}{fault}, exit code {exit_code}, {seconds}")
        if self._handler is not None:
            self._handler.close()


kept: ContextVar[CommandLog | None] = ContextVar("kept", default=None)
"""The log of the command that runs; None where it has none."""


@contextmanager
def keeping(log: CommandLog | None) -> Iterator[None]:
    """While a command runs, this is its log."""
    token = kept.set(log)
    try:
        yield
    finally:
        kept.reset(token)


def new_log(command: str, options: tuple[str, ...]) -> CommandLog | None:
    """A log for a command that is logged."""
    return None if command in UNLOGGED else CommandLog(command, options)


def keep_here() -> None:
    """Write the log of the command that runs into the workspace that it is typed in, if that is one."""
    from privxray.cli.current_workspace import current_workspace

    log = kept.get()
    if log is None or log.has_a_place:
        return
    try:
        log.keep_in(current_workspace().root)
    except Exception:  # noqa: BLE001 - no workspace, one of other accounts, a Ctrl-C amid imports: no log then
        return


def close_log(exit_code: int, error: PrivxrayError | None = None) -> None:
    """Add the last line. A workspace that the command has made gets all lines now."""
    keep_here()
    log = kept.get()
    if log is not None:
        log.end(exit_code, error)
