"""``status``: where a workspace stands, and what to type next.

Tested in tests/cli/test_status.py, tests/cli/test_arrivals.py and tests/cli/test_advice.py.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from privxray.cli.closing import next_step
from privxray.cli.current_workspace import current_workspace, place_of, seen_from, seen_from_here
from privxray.cli.options import Json
from privxray.cli.output import emit, line, tell
from privxray.cli.status_view import show_overview, status_json
from privxray.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from privxray.workflow.upkeep.arrivals.arrival import Arrival
    from privxray.workflow.upkeep.arrivals.watching import Watch

INTERVAL = 1.0
"""Seconds between two looks at a folder that is watched."""


def status(
    watch: Annotated[
        Path | None,
        typer.Option(
            "--watch",
            metavar="FOLDER",
            help="Stay, and print a line for each file that comes into this folder: what it is, of which "
            "study, from whom, and what to type. Ctrl-C ends it.",
            show_default=False,
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="With --watch: tell what lies there now, and end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Where this workspace stands, and what to type next."""
    if watch is not None:
        _watch(watch, once=once, as_json=as_json)
        return
    if once:
        raise UsageError(
            "--once goes with --watch",
            reason="status.once-alone",
            advice="Type: privxray status --watch FOLDER --once",
        )
    from privxray.workflow.upkeep.status import overview

    workspace = current_workspace()
    # A script is told what to type in the workspace, wherever it stands.
    seen = overview(workspace, "" if as_json else place_of(workspace.root))
    if as_json:
        emit(status_json(workspace, seen))
        return
    show_overview(workspace, seen)
    for advice in seen.advice:
        next_step(advice)


def _watch(folder: Path, *, once: bool, as_json: bool) -> None:
    """Tell of each file that comes, until the person ends it."""
    try:
        watch = _watch_of(folder, as_json=as_json)
        if once:
            while arrivals := watch.look(settled=True):
                _print(arrivals, as_json=as_json)
            return
        tell(f"Watching {folder}. Nothing in it is changed. Ctrl-C ends this.")
        while True:
            _print(watch.look(), as_json=as_json)
            time.sleep(INTERVAL)
    except KeyboardInterrupt:  # the way to end it, so no error
        return


def _watch_of(folder: Path, *, as_json: bool) -> Watch:
    from privxray.workflow.upkeep.arrivals.watching import Watch

    try:
        workspace = current_workspace()
    except WorkspaceError:
        return Watch(folder, None, named=seen_from_here(folder))
    place = "" if as_json else place_of(workspace.root)
    return Watch(folder, workspace, place, named=seen_from(workspace.root, folder))


def _print(arrivals: list[Arrival], *, as_json: bool) -> None:
    for arrival in arrivals:
        if as_json:
            emit(arrival.to_json(), one_line=True)
        else:
            line(str(arrival))
    if arrivals:
        sys.stdout.flush()  # whoever reads this in a pipe is to see it now
