"""De-identifying a folder into another: who may, what is done already, and by how many workers.

The order that makes a run resumable: the folder of results is noted in the manifest before its first file,
each result is whole on the disk before its row is written, and equal sources give equal results. So a run
that was killed at any instruction is finished by the same command.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from privxray.deid.cleaning.manifest import Entry, Manifest
from privxray.deid.cleaning.one_file import (
    Outcome,
    Task,
    carry_out,
    outcome_from,
    read_values,
    settings_from,
    settings_to,
    task_to,
)
from privxray.deid.cleaning.pseudonymise import Pseudonyms
from privxray.deid.findings import rules
from privxray.deid.judging.scan import IdentifyingValue
from privxray.deid.judging.selection import select
from privxray.deid.judging.set_relations import SetRelations
from privxray.deid.judging.worker_pool import Pool
from privxray.deid.profile.profile import Profile, ProfileOption
from privxray.errors import UsageError
from privxray.imaging.labels import read_labels
from privxray.naming.public_names import public_name
from privxray.workflow.common.session import Progress
from privxray.workflow.images.copied_labels import labels_text, put_labels
from privxray.workflow.images.results_folder import expect_apart, open_dest, problem_of_result
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

FORMAT = 1
"""Raised whenever the same source would give another result."""

IN_PROCESS = 16
"""Up to so many files no workers are started: each takes a second to wake."""

PATIENCE = 4 * 3600.0
"""Seconds after which a worker is taken for stuck: text is looked for in each frame of a long film, twice."""

_SECRET = "deid"  # noqa: S105 - the name of a secret, not one


@dataclass(frozen=True)
class Quarantined:
    """A file without a result. :ivar name: public name. :ivar reason: a fixed text."""

    name: str
    reason: str


@dataclass(frozen=True)
class Summary:
    """What a run did. The counts are exact, so they stay inside the hospital.

    :ivar files: sources. :ivar made: results of this run. :ivar before: results of earlier runs.
    :ivar skipped: files that are no images. :ivar blacked: files in whose pixels text was blacked.
    :ivar labels: rows of the csv of labels that was written; None where none was asked for.
    :ivar unlabelled: rows of the source's csv whose image has no result.
    """

    files: int
    made: int
    before: int
    skipped: int
    blacked: int
    quarantined: tuple[Quarantined, ...]
    labels: int | None = None
    unlabelled: int = 0


@dataclass
class _Run:
    dest: Path
    manifest: Manifest
    outcomes: dict[Path, Entry] = field(default_factory=dict)
    quarantined: list[tuple[int, Quarantined]] = field(default_factory=list)
    made: int = 0
    before: int = 0
    blacked: int = 0


def deidentify_folder(
    workspace: Workspace,
    source: Path,
    dest: Path,
    profile: Profile,
    *,
    ocr: bool = False,
    labels: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    reading: Progress | None = None,
) -> Summary:
    """Write de-identified copies of a file or of all images of a folder.

    :param dest: the folder of results; made where there is none.
    :param ocr: look for text in the pixels and black it.
    :param labels: a csv for ``source`` (see :mod:`privxray.imaging.labels`); one for ``dest`` is written
        there as ``labels.csv``, with the results' paths and pseudonyms.
    :param workers: processes.
    :param progress: called after each file; ``reading`` likewise while patients' values are collected.
    :raises UsageError: there is nothing to do, or the profile asks for what no program can do.
    :raises RefusedError: source and dest lie in each other, or dest holds other things than such results, or
        results that were made otherwise.
    :raises OSError: a result can't be written.
    """
    workspace.require("hospital", "deidentify")
    _expect_doable(profile)
    found, skipped = select([source])
    if not found:
        raise UsageError("there is no image to de-identify here", advice="Name a folder of DICOM files")
    expect_apart(workspace, source, dest)
    rows = read_labels(labels, source, None) if labels is not None else None
    with (
        workspace.locked(),
        State(workspace.state_path) as state,
        Manifest(workspace.data, state.secret("manifest")) as manifest,
    ):
        key = state.secret(_SECRET)
        names = Pseudonyms(key)
        open_dest(manifest, dest, _settings_text(profile, ocr))
        run = _Run(dest, manifest)
        everything = [
            Task(path, PurePosixPath(relative.as_posix()), number)
            for number, (path, relative) in enumerate(found, start=1)
        ]
        everything = _with_set_values(everything, names, profile, reading)
        tasks, done = [], 0
        for task in everything:
            if _has_result(run, task):
                done += 1
                if progress is not None:
                    progress(done, len(found))
            else:
                tasks.append(task)
        threads = max((os.cpu_count() or 1) // workers, 1) if ocr else 0
        for outcome in _outcomes(settings_to(dest, profile, key, threads), tasks, workers):
            _take(run, outcome)
            done += 1
            if progress is not None:
                progress(done, len(found))
        written = None
        if labels is not None and rows is not None:
            results = {path: entry.result for path, entry in run.outcomes.items()}
            text, written = labels_text(results, source, labels, rows, names)
            put_labels(manifest, dest, text.encode())
        manifest.end(dest)
    run.quarantined.sort(key=lambda pair: pair[0])
    return Summary(
        len(found),
        run.made,
        run.before,
        skipped,
        run.blacked,
        tuple(file for _, file in run.quarantined),
        written,
        0 if rows is None or written is None else len(rows) - written,
    )


def _expect_doable(profile: Profile) -> None:
    if ProfileOption.CLEAN_RECOGNIZABLE_VISUAL_FEATURES in profile.options:
        raise UsageError(
            "privxray can't remove recognizable visual features, such as a face in a CT",
            advice="Leave the option out, or clean these images with a tool made for it first",
        )
    if ProfileOption.CLEAN_PIXEL_DATA in profile.options:
        raise UsageError(
            "the pixels are cleaned by looking for text in them", advice="Type --ocr instead of the option"
        )


def _settings_text(profile: Profile, ocr: bool) -> str:
    """A digest of all that decides how a copy looks, by which a folder of results is recognised.

    The text spells types as the first version called them, whatever they are called now, so that a run which
    an earlier version began goes on.
    """
    options = ", ".join(f"<Option.{option.name}: {option.value!r}>" for option in sorted(profile.options))
    overrides = [
        f"Override(key={entry.key!r}, codes={_tuple(f'<Code.{c.name}: {c.value!r}>' for c in entry.actions)})"
        for entry in profile.overrides
    ]
    forms = [f"Pseudonym(tags={form.tags!r}, pattern={form.pattern!r})" for form in profile.pseudonyms]
    parts = (
        repr(FORMAT),
        f"[{options}]",
        _tuple(overrides),
        _tuple(forms),
        repr(profile.new_uids),
        repr(ocr),
    )
    return hashlib.sha256(_tuple(parts).encode()).hexdigest()


def _tuple(parts: Iterable[str]) -> str:
    """Parts as ``repr`` writes a tuple of them."""
    listed = list(parts)
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def _has_result(run: _Run, task: Task) -> bool:
    """Is a result of an earlier run there? Where it does not fit its source any more, that is told."""
    entry = run.manifest.find(run.dest, task.path)
    if entry is None or entry.result is None or not os.path.lexists(run.dest / entry.result):
        return False  # new, without a result so far, or with one that was deleted since
    problem = problem_of_result(run.manifest, run.dest, task.path, entry)
    if problem:
        name = public_name(task.relative, task.number)
        run.quarantined.append((task.number, Quarantined(name, problem)))
    else:
        run.before += 1
        run.outcomes[task.path] = entry
    return True


def _with_set_values(
    tasks: list[Task], names: Pseudonyms, profile: Profile, progress: Progress | None
) -> list[Task]:
    """Tasks with what only the whole set tells.

    That is what all files of their patient say of him or her, for a name may be in another file's text; and
    whether their UIDs contradict the files before them, for UIDs are replaced one by one, and the copies
    would contradict each other likewise.
    """
    values: defaultdict[str, set[bytes]] = defaultdict(set)
    terms: defaultdict[str, set[IdentifyingValue]] = defaultdict(set)
    patients: list[str] = []
    broken: list[str] = []
    cohort = SetRelations()
    lasting = {rules.SET_INSTANCE.id, rules.SET_SERIES.id, rules.SET_STUDY.id}
    if profile.options & {
        ProfileOption.RETAIN_LONGITUDINAL_FULL_DATES, ProfileOption.RETAIN_LONGITUDINAL_MODIFIED_DATES
    }:  # fmt: skip
        lasting.add(rules.SET_DATES.id)
    for number, task in enumerate(tasks, start=1):
        head = read_values(task.path, names, profile)
        patients.append(head.patient)
        if head.patient:
            values[head.patient] |= head.own
            terms[head.patient] |= head.terms
        found = cohort.add(head.facts) if head.facts else []
        broken.append("; ".join(finding.reason for finding in found if finding.rule in lasting))
        if progress is not None:
            progress(number, len(tasks))
    return [
        replace(
            task,
            own=frozenset(values.get(patient, ())),
            terms=frozenset(terms.get(patient, ())),
            broken=why,
        )
        for task, patient, why in zip(tasks, patients, broken, strict=True)
    ]


def _take(run: _Run, outcome: Outcome) -> None:
    run.manifest.note(run.dest, outcome.task.path, outcome.entry)
    if outcome.entry.reason is not None:
        run.quarantined.append((outcome.task.number, Quarantined(outcome.name, outcome.entry.reason)))
        return
    run.made += 1
    run.blacked += outcome.boxes > 0
    run.outcomes[outcome.task.path] = outcome.entry


def _outcomes(setup: dict[str, Any], tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Carry the tasks out, in this process or in several."""
    if workers == 1 or len(tasks) <= IN_PROCESS:
        settings, dest = settings_from(setup), Path(setup["dest"])
        for task in tasks:
            yield carry_out(task, dest, settings)
        return
    if setup["threads"]:
        settings_from(setup)  # so that a missing extra is told once, and here
    with Pool(workers, setup, module="privxray.deid.cleaning.one_file", patience=PATIENCE) as pool:
        for task, answer in pool.run((task, task_to(task)) for task in tasks):
            if isinstance(answer, str):
                name = public_name(task.relative, task.number)
                yield Outcome(task, name, Entry(0, 0, "", reason=answer))
            else:
                yield outcome_from(task, answer)
