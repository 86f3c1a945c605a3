"""The closing line of every command: what to do next, as :mod:`privxray.workflow.upkeep.advice` says.

Tested in tests/cli/test_advice.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from privxray.cli.current_workspace import current_workspace, place_of
from privxray.cli.output import NEXT, tell
from privxray.errors import RefusedError, WorkspaceError

if TYPE_CHECKING:
    from privxray.workflow.upkeep.advice.situation import Situation
    from privxray.workspace.folder import Workspace


class Facts(TypedDict, total=False):
    """What only the command knows, as :class:`~privxray.workflow.upkeep.advice.closing_line.Done` has it."""

    file: str
    folder: str
    to: str
    left: int
    options: str


def close(
    command: str, workspace: Workspace | None = None, *, study: str | None = None, **facts: Unpack[Facts]
) -> None:
    """Print what to do next, after a command that ended well.

    :param workspace: that the command was typed in; None for the one that the current folder lies in, if any.
    :param study: that the command was about.
    """
    from privxray.workflow.upkeep.advice.closing_line import Done, closing_line

    found = workspace or _workspace_here()
    place = place_of(found.root if found else Path.cwd())
    next_step(closing_line(Done(command, study, place=place, **facts), lambda: _situation(found, place)))


def next_step(text: str) -> None:
    """Print a line on what to do next."""
    tell(f"Next: {text}", mark=NEXT)


def _workspace_here() -> Workspace | None:
    try:
        return current_workspace()
    except (WorkspaceError, RefusedError):  # none, or one that other accounts control
        return None


def _situation(workspace: Workspace | None, place: str) -> Situation | None:
    from privxray.workflow.upkeep.advice.look import look
    from privxray.workspace.session import looking

    if workspace is None:
        return None
    with looking(workspace) as session:
        return look(session, place)
