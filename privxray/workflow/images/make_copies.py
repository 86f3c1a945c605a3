"""Making the copies of a folder: those that are not there yet, in this process or in several."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.deid.cleaning.copies.copy_file import CopyOutcome, CopyTask, copy_file, without_copy
from privxray.deid.cleaning.copies.copy_worker import (
    MODULE,
    outcome_from_json,
    settings_from_json,
    task_to_json,
)
from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.deid.workers.worker_pool import Pool
from privxray.workflow.common.callbacks import Progress
from privxray.workflow.images.copies_folder import problem_of_copy

IN_PROCESS = 16
"""Up to so many files no workers are started: each takes a second to start."""

PATIENCE = 4 * 3600.0
"""Seconds after which a worker counts as stuck: each frame of a long film is searched for text twice."""


@dataclass(frozen=True)
class Quarantined:
    """A file without a copy.

    :ivar name: its public name. :ivar reason: a fixed text.
    """

    name: str
    reason: str


class CopyRun:
    """What became of each file so far, here and in the manifest.

    :param dest: the folder of copies.
    :param remember: keep which copy is whose, for a csv of labels or a crosswalk; it takes memory.
    :ivar copies: for each original, by its address, the path of its copy below the folder of copies.
    :ivar made: copies of this run. :ivar before: copies of earlier runs.
    :ivar blacked: files in whose pixels text was blacked in this run.
    """

    def __init__(self, dest: Path, manifest: Manifest, *, remember: bool = True) -> None:
        self.copies: dict[str, str] = {}
        self.made = 0
        self.before = 0
        self.blacked = 0
        self._dest = dest
        self._manifest = manifest
        self._remember = remember
        self._quarantined: dict[int, Quarantined] = {}

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """The files without a copy, in their order."""
        return tuple(self._quarantined[number] for number in sorted(self._quarantined))

    @property
    def reasons(self) -> dict[int, str]:
        """Why files have no copy, by their numbers."""
        return {number: one.reason for number, one in self._quarantined.items()}

    def has_copy(self, task: CopyTask) -> bool:
        """Whether an earlier run made a copy; one that does not fit its source any more is noted as such."""
        entry = self._manifest.find(self._dest, task.source)
        if entry is None or entry.result is None or not os.path.lexists(self._dest / entry.result):
            return False  # new, without a copy so far, or with one that was deleted since
        problem = problem_of_copy(self._manifest, self._dest, task.source, entry)
        if problem:
            self._quarantined[task.number] = Quarantined(task.name, problem)
        else:
            self.before += 1
            self._keep(task, entry.result)
        return True

    def take(self, outcome: CopyOutcome) -> None:
        """Note what became of a file."""
        task, entry = outcome.task, outcome.entry
        self._manifest.note(self._dest, task.source, entry)
        if entry.result is None:
            self._quarantined[task.number] = Quarantined(outcome.name, entry.reason or "")
            return
        self.made += 1
        self.blacked += outcome.boxes > 0
        self._keep(task, entry.result)

    def _keep(self, task: CopyTask, result: str) -> None:
        if self._remember:
            self.copies[task.source.address] = result


def make_copies(
    run: CopyRun,
    tasks: Sequence[CopyTask],
    setup: dict[str, Any],
    workers: int,
    progress: Progress | None,
) -> None:
    """Make the copies that are not there yet, in this process or in several.

    :param setup: how they are made, as the worker is told it.
    :param progress: called after each file.
    :raises OSError: a copy can't be written.
    :raises UsageError: text is to be searched for, and the extra ``ocr`` is not installed.
    """
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(tasks))

    todo = []
    for task in tasks:
        if run.has_copy(task):
            step()
        else:
            todo.append(task)
    for outcome in outcomes_of(setup, todo, workers):
        run.take(outcome)
        step()


def outcomes_of(setup: dict[str, Any], tasks: Sequence[CopyTask], workers: int) -> Iterator[CopyOutcome]:
    """Carry the tasks out, in this process or in several; in any order.

    :raises OSError: a copy can't be written.
    """
    if workers == 1 or len(tasks) <= IN_PROCESS:
        settings, dest = settings_from_json(setup), Path(setup["dest"])
        for task in tasks:
            yield copy_file(task, dest, settings)
        return
    if setup["threads"]:
        settings_from_json(setup)  # so that a missing extra is told once, and here
    with Pool(workers, MODULE, setup, patience=PATIENCE) as pool:
        for task, answer in pool.run((task, task_to_json(task)) for task in tasks):
            if isinstance(answer, str):
                yield without_copy(task, answer)
            else:
                yield outcome_from_json(task, answer)
