"""``status --watch``: each file that comes into a folder is told once, as soon as it is whole.

Nothing is written, copied or moved, no body is read, and no link is followed. A file is taken for whole when
it has not changed between two looks. What is remembered is bounded by the number of files that are looked at.

Tested in tests/cli/test_arrivals.py and tests/unit/test_drop_folder.py.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from privxray.errors import UsageError
from privxray.formats.header import SUFFIXES
from privxray.workflow.upkeep.arrivals.arrival import Arrival
from privxray.workflow.upkeep.arrivals.judge import judge_for
from privxray.workspace.drop_folder import Candidate, listing
from privxray.workspace.folder import Workspace

MOST = 2000
"""Files of fitting names in the folder that are watched."""


class Watch:
    """A folder, looked at again and again.

    :param folder: as commands in the workspace name it.
    :param workspace: whose keys and rounds a file is judged by; None for the file alone.
    :param place: the way from where the person stands to the workspace.
    :raises UsageError: there is no such folder.
    """

    def __init__(
        self, folder: Path, workspace: Workspace | None, place: str = "", *, named: str = ""
    ) -> None:
        if not folder.is_dir():
            raise UsageError(
                "there is no such folder to watch",
                reason="status.no-folder",
                advice="Name the folder that files are dropped into: privxray status --watch FOLDER",
            )
        self._folder = folder.resolve()
        self._named = named or str(folder)
        self._workspace = workspace
        self._place = place
        self._told: dict[str, tuple[int, int, int]] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self.passed_over = 0

    def look(self, *, settled: bool = False) -> list[Arrival]:
        """The files that are whole and were not told yet; those that changed since are told again.

        :param settled: do not wait for a second look, nor for a state that another command is writing.
        """
        try:
            listed = listing(self._folder, SUFFIXES, MOST)
        except OSError:  # a share that is away for a while; what it holds is told when it is back
            return []
        before, self._seen = self._seen, {one.path.name: one.stamp for one in listed.files}
        self._told = {name: stamp for name, stamp in self._told.items() if name in self._seen}
        self.passed_over = listed.passed_over
        new = [
            one
            for one in listed.files
            if self._told.get(one.path.name) != one.stamp
            and (settled or before.get(one.path.name) == one.stamp)
        ]
        try:
            return self._judged(new) if new else []
        except sqlite3.OperationalError:  # another command is writing the state; next time
            if settled:
                raise
            return []

    def _judged(self, new: list[Candidate]) -> list[Arrival]:
        with judge_for(self._workspace, self._place) as judge:
            seen = [(file, one) for file in new if (one := judge.of(file, self._named)) is not None]
        self._told |= {file.path.name: file.stamp for file, _ in seen}
        return [one for _, one in seen]
