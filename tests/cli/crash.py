"""Kill a command at its n-th step that touches a disk, with a real SIGKILL, in a forked process.

Steps are what can tear: opening a file, fsync, rename, link, unlink, mkdir, and every SQL statement.
The kill comes right before the step.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import signal
import sqlite3
from collections.abc import Callable, Container
from typing import Any

import pytest

_LEFT = -1
_ONLY: str | None = None


def _step(database: str | None = None) -> None:
    global _LEFT
    if _ONLY is not None and (database is None or _ONLY not in database):
        return
    _LEFT -= 1
    if _LEFT == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class _Connection(sqlite3.Connection):
    def __init__(self, path: Any, *arguments: Any, **keywords: Any) -> None:
        super().__init__(path, *arguments, **keywords)
        self._named = str(path)
        self._writes = False

    def execute(self, *arguments: Any) -> Any:
        first = arguments[0].split()[0]
        self._writes = first in ("INSERT", "UPDATE", "DELETE") or (self._writes and first != "BEGIN")
        if _ONLY is None or self._writes:
            _step(self._named)
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        _step(self._named)
        return super().executemany(*arguments)

    def commit(self) -> None:
        _step(self._named)
        super().commit()


def _arm(steps: int, only: str | None) -> None:
    global _LEFT, _ONLY
    _LEFT, _ONLY = steps, only

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **keywords: Any) -> Any:
            _step()
            return real(*arguments, **keywords)

        return stepped

    for name in ("fsync", "rename", "replace", "link", "unlink", "mkdir", "open", "rmdir"):
        setattr(os, name, before(getattr(os, name)))
    builtins.open = before(builtins.open)  # type: ignore[assignment]
    io.open = builtins.open  # type: ignore[misc]
    real_connect = sqlite3.connect
    sqlite3.connect = lambda *a, **k: real_connect(*a, **{"factory": _Connection} | k)  # type: ignore[assignment]


def killed_at(
    steps: int, command: Callable[[], int], only: str | None = None, fine: Container[int] = (0,)
) -> bool:
    """Run ``command`` in a child that dies before its ``steps``-th step; False if it ended before that.

    :param only: count SQL statements that write to databases with this in their path, their COMMIT included,
        and nothing else.
    :param fine: the exit codes that it may end with by itself.
    :raises AssertionError: it ended by itself with another one.
    """
    if not hasattr(os, "fork"):
        pytest.skip("kills need fork; tests/windows/kills.py kills on Windows")
    child = os.fork()
    if child == 0:
        code = 99
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                _arm(steps, only)
                code = command()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) in fine
    return False
