"""A workspace at work: its folder and its state, open together.

:func:`working` is for commands that change something, and keeps a second one out; :func:`looking` is for
those that only read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from privxray.workspace.config import Role
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True)
class Session:
    """A workspace with its state open, good until the block that made it ends."""

    workspace: Workspace
    state: State

    @property
    def role(self) -> Role:
        """Whose workspace this is."""
        return self.workspace.config.role

    @property
    def name(self) -> str:
        """The party's name, as the others see it."""
        return self.workspace.config.name

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.workspace.root


@contextmanager
def working(workspace: Workspace) -> Iterator[Session]:
    """Open a workspace for a command that changes it.

    :raises RefusedError: another command is at work in it.
    """
    with workspace.locked(), State(workspace.state_path) as state:
        yield Session(workspace, state)


@contextmanager
def looking(workspace: Workspace, *, read_only: bool = False) -> Iterator[Session]:
    """Open a workspace for a command that reads. It may run while another command is at work.

    :param read_only: change nothing at all, and leave even an unfinished write as it is. So it is, too, where
        the folder can't be written to.
    """
    read_only = read_only or not os.access(workspace.root, os.W_OK)
    with State(workspace.state_path, read_only=read_only) as state:
        yield Session(workspace, state)
