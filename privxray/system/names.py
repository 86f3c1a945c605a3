"""Names and paths that not every system takes."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path, PurePath, PureWindowsPath

from privxray.system import win32

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{number}" for device in ("com", "lpt") for number in "0123456789¹²³"}
)
_PREFIX = "\\\\?\\"
_ROOM = 100
"""Characters that the longest path inside a workspace takes below its folder."""
_MAX_PATH = 260
_PLAIN = re.compile(r"[\w:./\\=+-]+")  # needs no quotes; Windows allows no quote in a name


def is_refused_by_windows(name: str) -> bool:
    """Whether Windows takes a name for a device (``CON``, ``nul.txt``), or drops its end (``a.`` and ``a``).

    Source: "Naming Files, Paths, and Namespaces", learn.microsoft.com.
    """
    return name.partition(".")[0].rstrip(" ").lower() in _DEVICES or name != name.rstrip(". ")


def long_path(path: Path) -> Path:
    """A folder in the form that may be longer than 260 characters together with what lies in it.

    It is given back as it is where it is short, and on other systems.
    """
    if not win32.is_windows():
        return path
    long = extended(os.path.abspath(path))  # noqa: PTH100 - this form knows neither `..` nor a current folder
    return Path(long) if long.startswith(_PREFIX) else path


def extended(path: str) -> str:
    """The form of an absolute Windows path that :func:`long_path` gives.

    Source: "Maximum Path Length Limitation", learn.microsoft.com.
    """
    if len(path) < _MAX_PATH - _ROOM or path.startswith(_PREFIX):
        return path
    drive = PureWindowsPath(path).drive
    if drive.startswith("\\\\"):
        return f"{_PREFIX}UNC\\{path[2:]}"
    return _PREFIX + path


def as_advised(path: PurePath) -> str:
    """A path as it stands in what is advised: a relative one has forward slashes, on Windows, too."""
    return str(path) if path.is_absolute() else path.as_posix()


def way(start: Path, target: Path) -> str:
    """The relative path from one folder to another; the whole path where they are on two drives."""
    try:
        return as_advised(PurePath(os.path.relpath(target, start)))
    except ValueError:
        return str(target)


def quoted(word: str) -> str:
    """A word as it is typed at this system's prompt: on Windows at cmd's and PowerShell's alike."""
    if not win32.is_windows():
        return shlex.quote(word)
    return word if _PLAIN.fullmatch(word) else f'"{word}"'


def unexpanded(pattern: str) -> str:
    """A pattern as it is typed so that no shell expands it. No shell of Windows does."""
    return pattern if win32.is_windows() else f"'{pattern}'"


def database_uri(path: Path, mode: str) -> str:
    """What ``sqlite3.connect`` takes as the URI of a file.

    :param mode: ``ro`` or ``rw``.
    """
    uri = path.absolute().as_uri()
    if not uri.startswith("file:///"):  # a share: SQLite takes no host, but four slashes
        uri = "file:////" + uri.removeprefix("file://")
    return f"{uri}?mode={mode}"
