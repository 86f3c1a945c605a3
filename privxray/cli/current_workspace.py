"""The workspace that a command is typed in, and where the person who types it stands.

Tested in tests/cli/test_study.py and tests/cli/test_slips.py.
"""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.system.names import as_advised, way

if TYPE_CHECKING:
    from privxray.workspace.folder import Workspace

standing: ContextVar[Path | None] = ContextVar("standing", default=None)
"""The folder that the person stands in, where ``-C`` has led the command to another one."""


def current_workspace() -> Workspace:
    """The workspace that the current folder is, or lies in.

    :raises WorkspaceError: there is none.
    """
    from privxray.workspace.folder import Workspace

    return Workspace.find(Path.cwd())


def place_of(folder: Path) -> str:
    """The way from where the person stands to a folder, as it is typed; empty where they stand in it."""
    here = standing.get() or Path.cwd()
    if folder.resolve() == here.resolve():
        return ""
    return min(way(here.resolve(), folder.resolve()), str(folder.resolve()), key=len)


def seen_from_here(path: Path) -> str:
    """A file's path from where the person stands, whole if it lies elsewhere."""
    return seen_from(standing.get() or Path.cwd(), path)


def seen_from(folder: Path, path: Path) -> str:
    """A file's path as a command names it that is typed in a folder, or with ``-C`` that folder."""
    start, whole = folder.resolve(), path.resolve()
    return as_advised(whole.relative_to(start) if whole.is_relative_to(start) else whole)
