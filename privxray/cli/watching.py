"""Who is told of a command's steps: the terminal, whoever typed ``--verbose``, and the workspace's log.

Tested in tests/cli/test_log.py and tests/cli/test_terminal.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from privxray.cli.command_log import CommandLog
from privxray.cli.output import console, quiet, tell, verbose
from privxray.cli.step_bars import StepBars
from privxray.cli.told_steps import ToldSteps
from privxray.steps import Watcher, watchers


@contextmanager
def watching(log: CommandLog | None) -> Iterator[None]:
    """While a command runs, its steps are told.

    :param log: its log; None where it has none.
    """
    found: list[Watcher] = []
    if sys.stderr.isatty() and not quiet.get():
        found.append(StepBars(partial(console, stderr=True)))
    if verbose.get():
        found.append(ToldSteps(tell))
    if log is not None:
        found.append(ToldSteps(log.say))
    token = watchers.set(tuple(found))
    try:
        yield
    finally:
        watchers.reset(token)
