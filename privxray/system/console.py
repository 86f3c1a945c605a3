"""The terminal: signs that it can't show, and what happens when its window is closed."""

from __future__ import annotations

import ctypes
import signal
import sys
import time
from typing import IO, Any

from privxray.system import win32

_CLOSE, _LOGOFF, _SHUTDOWN = 2, 5, 6
_GRACE = 4.0
"""Seconds that a command has to end in; Windows kills it after five."""

_kept: list[Any] = []  # Windows calls it for as long as the process lives


def show_what_can_be_shown(*streams: IO[str]) -> None:
    """Let a stream print ``?`` for a sign that its encoding does not have, in place of an error.

    A console of Windows takes every sign, and so does UTF-8; a pipe there may be in cp1252 or cp850.
    """
    for stream in streams:
        encoding = (getattr(stream, "encoding", None) or "").lower().replace("_", "-")
        if hasattr(stream, "reconfigure") and encoding not in ("utf-8", "utf8"):
            stream.reconfigure(errors="replace")


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person sits at the other end. On Windows ``isatty`` is true of the device NUL as well."""
    if not stream.isatty() or not win32.is_windows():
        return stream.isatty()
    import msvcrt

    handle = msvcrt.get_osfhandle(stream.fileno())  # type: ignore[attr-defined,unused-ignore]
    mode = ctypes.c_uint32()
    return bool(win32.library("kernel32").GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(mode)))


def prepare() -> None:
    """Make the standard streams and a closed window harmless. The entry point calls it once."""
    show_what_can_be_shown(sys.stdout, sys.stderr)
    if win32.is_windows():
        end_with_the_window()


def end_with_the_window() -> None:
    """On Windows, take a closed window, a logoff and a shutdown as Ctrl-C, and leave time to end."""

    def handle(kind: int) -> int:
        if kind not in (_CLOSE, _LOGOFF, _SHUTDOWN):
            return 0  # Ctrl-C is Python's
        signal.raise_signal(signal.SIGINT)
        time.sleep(_GRACE)
        return 0

    handler_type = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
    handler = handler_type(ctypes.c_int, ctypes.c_uint32)(handle)
    _kept.append(handler)
    win32.library("kernel32").SetConsoleCtrlHandler(handler, 1)
