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
from collections.abc import Callable
from typing import Any

_LEFT = -1


def _step() -> None:
    global _LEFT
    _LEFT -= 1
    if _LEFT == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class _Connection(sqlite3.Connection):
    def execute(self, *arguments: Any) -> Any:
        _step()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        _step()
        return super().executemany(*arguments)

    def commit(self) -> None:
        _step()
        super().commit()


def _arm(steps: int) -> None:
    global _LEFT
    _LEFT = steps

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


def killed_at(steps: int, command: Callable[[], int]) -> bool:
    """Run ``command`` in a child that dies before its ``steps``-th step; False if it ended before that.

    :raises AssertionError: it ended by itself, and not well.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                _arm(steps)
                code = command()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False
