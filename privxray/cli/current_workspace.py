"""The workspace that a command is typed in. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privxray.workspace.folder import Workspace


def current_workspace() -> Workspace:
    """The workspace that the current folder is, or lies in.

    :raises WorkspaceError: there is none.
    """
    from privxray.workspace.folder import Workspace

    return Workspace.find(Path.cwd())
