"""De-identifying a folder, a DICOMDIR or a zip into a folder: what is refused, and the order of the steps.

A run that was killed at any instruction is finished by the same command. Three things make that so. The
folder of copies is in the manifest before its first file, each copy is whole on the disk before its row is
written, and equal sources give equal copies.

Tested in tests/cli/test_deidentify.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from privxray.deid.cleaning.copies.copy_file import CopyTask
from privxray.deid.cleaning.copies.copy_worker import (
    settings_to_json,
)
from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.deid.cleaning.copies.read_ahead import ReadAhead
from privxray.deid.cleaning.copies.settings_digest import settings_digest
from privxray.deid.profile.profile import Profile, ProfileOption
from privxray.deid.sources.gathered import Selection
from privxray.deid.sources.source import Source
from privxray.deid.sources.zip_archive import zips_closed
from privxray.errors import UsageError
from privxray.imaging.labelling.file_sources import expect_one_patient_each
from privxray.imaging.labelling.row import Row
from privxray.imaging.labels import csv_name, rows_and_problems
from privxray.system.names import long_path
from privxray.workflow.common.callbacks import Passphrase, Progress
from privxray.workflow.images.assigned_ids import assign
from privxray.workflow.images.copies_folder import expect_apart, open_copies
from privxray.workflow.images.crosswalk_file import CrosswalkFile, expect_outside
from privxray.workflow.images.labels_of_copies import labels_of_copies, labels_of_no_study, write_labels
from privxray.workflow.images.make_copies import CopyRun, Quarantined, make_copies
from privxray.workflow.images.uncopied import write_uncopied
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State

PSEUDONYMS = "deid"
"""The workspace's secret that pseudonyms are made with."""


@dataclass(frozen=True)
class DeidentifyReport:
    """What a run did. The counts are exact, so they stay inside the hospital.

    :ivar files: sources. :ivar made: copies of this run. :ivar before: copies of earlier runs.
    :ivar skipped: files that are no images. :ivar indexes: files DICOMDIR, which have no copy.
    :ivar missing: files that a DICOMDIR names and that are not there, in public words.
    :ivar blacked: files in whose pixels text was blacked.
    :ivar quarantined: files without a copy.
    :ivar labels: rows of the csv of labels that was written; None where none was asked for.
    :ivar unlabelled: rows of the source's csv whose image has no copy.
    """

    files: int
    made: int
    before: int
    skipped: int
    indexes: int
    blacked: int
    quarantined: tuple[Quarantined, ...]
    labels: int | None = None
    unlabelled: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeidentifyOptions:
    """How copies are made.

    :ivar profile: what becomes of each attribute. :ivar ocr: look for text in the pixels and black it.
    :ivar labels: a csv for the source (see :mod:`privxray.imaging.labels`). One for the copies, with their
        paths and pseudonyms, is then written beside them as ``labels.csv``.
    :ivar workers: processes.
    :ivar tell: is told, before the first copy is made, of labels that ingest would refuse.
    :ivar crosswalk: a file to note in which copy belongs to which original; None for none.
    :ivar ids: a csv with the identifiers that a trial has assigned; None for none.
    :ivar passphrase: asked for where there is a crosswalk to seal.
    """

    profile: Profile
    ocr: bool = False
    labels: Path | None = None
    workers: int = 1
    tell: Callable[[str], None] | None = None
    crosswalk: Path | None = None
    ids: Path | None = None
    passphrase: Passphrase | None = None


@zips_closed()
def deidentify_folder(
    workspace: Workspace,
    source: Path,
    dest: Path,
    options: DeidentifyOptions,
    *,
    progress: Progress | None = None,
    reading: Progress | None = None,
) -> DeidentifyReport:
    """Write de-identified copies of a file, or of all images of a folder, a DICOMDIR or a zip.

    :param dest: the folder of copies; made where there is none.
    :param progress: called after each file. :param reading: likewise while patients' values are collected.
    :raises UsageError: there is no image, or the profile asks for what no program can do.
    :raises RefusedError: of source and dest one lies in the other, or dest holds other files than such
        copies, or copies that were made in another way.
    :raises MalformedError: source is a zip that can't be read; the csv of labels is not one for the source,
        or contradicts its files on who is who; or the manifest is damaged.
    :raises OSError: a copy can't be written.
    """
    workspace.require("hospital", "deidentify")
    source, dest = long_path(source), long_path(dest)
    expect_doable(options.profile)
    originals = Source(source)
    selection = images_of(originals)
    found = selection.files
    expect_apart(workspace, originals.folder, dest)
    crosswalk = _opened(workspace, options, (dest, originals.folder))
    rows = [] if options.labels is None else rows_of_labels(options.labels, originals)
    with (
        workspace.locked(),
        State(workspace.state_path) as state,
        Manifest(workspace.data, state.secret("manifest")) as manifest,
    ):
        if options.tell is not None and (unknown := labels_of_no_study(workspace, state, rows)):
            options.tell(unknown)
        names = assign(manifest, state.secret(PSEUDONYMS), options.ids)
        open_copies(manifest, dest, settings_digest(options.profile, options.ocr))
        remember = options.labels is not None or crosswalk is not None
        run = CopyRun(dest, manifest, remember=remember)
        tasks = [CopyTask(file, number) for number, file in enumerate(found, start=1)]
        ahead = ReadAhead(names, options.profile)
        tasks = _with_set_values(tasks, ahead, reading)
        manifest.note_names(ahead.patients)
        setup = settings_to_json(dest, options.profile, names, threads(options), ahead.leaks)
        make_copies(run, tasks, setup, options.workers, progress)
        written = None
        if options.labels is not None:
            if ProfileOption.RETAIN_PATIENT_CHARACTERISTICS not in options.profile.options:
                rows = without_traits(rows)
            text, written = labels_of_copies(run.copies, originals, rows, names, csv_name(options.labels))
            write_labels(manifest, dest, text)
        write_uncopied(workspace, tasks, run)
        if crosswalk is not None:
            crosswalk.write(tasks, run, names, options.profile)
        manifest.end(dest)
    return report_of_run(run, selection, rows, written)


def _opened(
    workspace: Workspace, options: DeidentifyOptions, folders: Sequence[Path]
) -> CrosswalkFile | None:
    """The crosswalk, opened before an hour of work and not after it."""
    if options.crosswalk is None or options.passphrase is None:
        return None
    expect_outside(options.crosswalk, folders)
    return CrosswalkFile(workspace, options.crosswalk, options.passphrase)


def report_of_run(
    run: CopyRun, selection: Selection, rows: Sequence[Row], written: int | None
) -> DeidentifyReport:
    """What a run did.

    :param rows: of the csv of labels. :param written: how many of them have a copy; None without a csv.
    """
    return DeidentifyReport(
        files=len(selection.files),
        made=run.made,
        before=run.before,
        skipped=len(selection.passed_over),
        indexes=selection.indexes,
        blacked=run.blacked,
        quarantined=run.quarantined,
        labels=written,
        unlabelled=0 if written is None else len(rows) - written,
        missing=selection.missing,
    )


def without_traits(rows: Sequence[Row]) -> list[Row]:
    """The rows without sex, age and groups, as these leave the copies."""
    return [replace(row, traits={}) for row in rows]


def images_of(originals: Source) -> Selection:
    """What there is to copy.

    :raises UsageError: nothing.
    """
    if not originals.selection.files:
        raise UsageError(
            "there is no image to de-identify here",
            reason="copies.no-image",
            advice="Name a DICOM, JPEG or PNG file, or a folder, DICOMDIR or zip that holds some",
        )
    return originals.selection


def rows_of_labels(labels: Path, originals: Source) -> list[Row]:
    """The rows of the csv of labels for the originals.

    :raises MalformedError: it is none for them, or contradicts them on who is who.
    """
    rows, problems = rows_and_problems(labels, originals, None)
    problems.raise_any()
    expect_one_patient_each(rows, originals, csv_name(labels))
    return rows


def expect_doable(profile: Profile) -> None:
    """Whether copies can be made by a profile.

    :raises UsageError: it asks for what no program can do.
    """
    if ProfileOption.CLEAN_RECOGNIZABLE_VISUAL_FEATURES in profile.options:
        raise UsageError(
            "privxray can't remove recognizable visual features, such as a face in a CT",
            reason="copies.visual-features",
            advice="Leave the option out, or clean these images with a tool made for it first",
        )
    if ProfileOption.CLEAN_PIXEL_DATA in profile.options:
        raise UsageError(
            "the option clean-pixel-data is taken by searching the pixels for text",
            reason="copies.clean-pixel-data",
            advice="Type --ocr instead of the option",
        )


def threads(options: DeidentifyOptions) -> int:
    """Threads that a worker searches text with; 0 to leave the pixels alone."""
    return max((os.cpu_count() or 1) // options.workers, 1) if options.ocr else 0


def _with_set_values(
    tasks: Sequence[CopyTask], ahead: ReadAhead, progress: Progress | None
) -> list[CopyTask]:
    """The tasks with what only the whole set tells."""
    for number, task in enumerate(tasks, start=1):
        ahead.read(task)
        if progress is not None:
            progress(number, len(tasks))
    return ahead.tasks()
