"""The process that copies files for the pool, and the JSON in which it is told what to do.

:mod:`privxray.deid.workers.worker_loop` has the loop, and says why it is one line of JSON a message.
"""

from __future__ import annotations

import os
from dataclasses import astuple
from pathlib import Path
from typing import Any

from privxray.deid.cleaning.copies.copy_file import CopyOutcome, CopyTask, copy_file
from privxray.deid.cleaning.copies.manifest import Entry
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.patient_values import PatientValues
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.wanted import of_others
from privxray.deid.pixels.text import load_finder
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
from privxray.deid.sources.source_file import SourceFile
from privxray.deid.workers.worker_loop import serve

MODULE = __name__
"""What a pool runs (:class:`privxray.deid.workers.worker_pool.Pool`)."""


def main() -> None:
    """De-identify files for the pool until stdin ends."""
    serve(_Worker().handle)


class _Worker:
    """Holds what the set-up message said."""

    def __init__(self) -> None:
        self._dest = Path()
        self._settings = CopySettings(Profile(), Pseudonyms(b""))

    def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if "dest" in message:
            self._dest, self._settings = Path(message["dest"]), settings_from_json(message)
            return None
        try:
            return _outcome_to_json(copy_file(_task_from_json(message), self._dest, self._settings))
        except OSError as error:
            return {"refused": error.errno}


def settings_to_json(
    dest: Path, profile: Profile, names: Pseudonyms, threads: int, leaks: LeakSearch
) -> dict[str, Any]:
    """How files are de-identified. The key of the names goes through a pipe, not by the command line.

    :param dest: the folder of copies.
    :param threads: for the search for text in the pixels; 0 to leave the pixels alone.
    :param leaks: what identifies the patients of the set.
    """
    return {
        "dest": str(dest),
        "profile": profile_to_json(profile),
        "names": names.to_json(),
        "threads": threads,
        "others": of_others(leaks).to_json(),
    }


def settings_from_json(message: dict[str, Any]) -> CopySettings:
    """The inverse of :func:`settings_to_json`.

    :raises UsageError: text is to be searched for, and the extra ``ocr`` is not installed.
    """
    find_text = load_finder(message["threads"]) if message["threads"] else None
    names = Pseudonyms.from_json(message["names"])
    others = LeakSearch.from_json(message["others"])
    return CopySettings(profile_from_json(message["profile"]), names, find_text, others)


def task_to_json(task: CopyTask) -> dict[str, Any]:
    """A task for the worker."""
    return {
        "source": task.source.to_json(),
        "number": task.number,
        "stored": sorted(value.decode("latin-1") for value in task.values.stored),
        "undisguised": sorted(task.values.undisguised),
        "refusal": task.refusal,
    }


def outcome_from_json(task: CopyTask, value: dict[str, Any]) -> CopyOutcome:
    """What the worker said of a task.

    :raises OSError: a copy can't be written.
    """
    if "refused" in value:
        raise OSError(value["refused"], os.strerror(value["refused"]))
    return CopyOutcome(task, value["name"], Entry(*value["entry"]), value["boxes"])


def _outcome_to_json(outcome: CopyOutcome) -> dict[str, Any]:
    return {"name": outcome.name, "boxes": outcome.boxes, "entry": astuple(outcome.entry)}


def _task_from_json(value: dict[str, Any]) -> CopyTask:
    values = PatientValues(
        frozenset(text.encode("latin-1") for text in value["stored"]),
        frozenset((kind, text) for kind, text in value["undisguised"]),
    )
    return CopyTask(SourceFile.from_json(value["source"]), value["number"], values, value["refusal"])
