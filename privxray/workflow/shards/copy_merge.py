"""The end of a de-identification on several machines: one manifest of all copies, and the csv of labels.

Typed again it does the same again, so a merge that was killed is finished by the same command. Tested in
tests/cli/test_deidentify_shards.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.deid.cleaning.copies.copy_file import CopyOutcome, CopyTask
from privxray.deid.cleaning.copies.manifest import Entry, Manifest
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.set_passes import Progress
from privxray.deid.judging.set_relations import own_mark
from privxray.deid.sources.source import Source
from privxray.errors import RefusedError
from privxray.imaging.labels import csv_name
from privxray.system.names import long_path
from privxray.workflow.images.copies_folder import expect_apart, open_copies
from privxray.workflow.images.deidentify_folder import (
    PSEUDONYMS,
    DeidentifyReport,
    images_of,
    report_of_run,
    rows_of_labels,
    without_traits,
)
from privxray.workflow.images.labels_of_copies import (
    LABELS,
    labels_of_copies,
    labels_of_no_study,
    write_labels,
)
from privxray.workflow.images.make_copies import CopyRun
from privxray.workflow.shards.copy_terms import names_of
from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.part_file import Part
from privxray.workflow.shards.part_set import read_parts
from privxray.workflow.shards.shard_files import list_digest
from privxray.workspace.disk_tables import FirstValues
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


@dataclass(frozen=True, slots=True)
class MergedCopies:
    """What the merge of copies tells.

    :ivar profile: in words. :ivar ocr: the pixels were searched for text.
    """

    report: DeidentifyReport
    profile: str
    ocr: bool


@dataclass(frozen=True, slots=True)
class CopyMerge:
    """What the merge is told.

    :ivar parts: of all shards. :ivar key: of the job. :ivar labels: a csv for the source.
    :ivar tell: is told of labels that ingest would refuse.
    """

    parts: Sequence[Path]
    key: JobKey
    labels: Path | None = None
    tell: Callable[[str], None] | None = None


def merge_copies(
    workspace: Workspace,
    folders: tuple[Path, Path],
    merge: CopyMerge,
    progress: Progress | None = None,
) -> MergedCopies:
    """Write the manifest of the copies that all shards have made, and the csv of labels for them.

    :param folders: of the originals, and of the copies.
    :raises UsageError: a part is missing.
    :raises RefusedError: a part is doubled or foreign; the key is of another workspace; the folder of copies
        holds other files, or lacks copies.
    :raises MalformedError: the csv of labels is not one for the source.
    """
    workspace.require("hospital", "deidentify")
    source, dest = map(long_path, folders)
    key = merge.key
    parts = read_parts(merge.parts, "copies", key)
    originals = Source(source)
    selection = images_of(originals)
    _expect_same_list(parts[0], list_digest(selection, key))
    expect_apart(workspace, originals.folder, dest)
    rows = [] if merge.labels is None else rows_of_labels(merge.labels, originals)
    head = next(parts[0].lines())
    with (
        workspace.locked(),
        State(workspace.state_path) as state,
        Manifest(workspace.data, state.secret("manifest")) as manifest,
    ):
        if state.secret(PSEUDONYMS) != names_of(key):
            raise RefusedError(
                "this job's key was made in another workspace, whose pseudonyms differ",
                reason="job-key.other-workspace",
                advice="Type the command in the workspace that made the key",
            )
        if merge.tell is not None and (unknown := labels_of_no_study(workspace, state, rows)):
            merge.tell(unknown)
        _expect_own_copies(parts, manifest, dest)
        open_copies(manifest, dest, head["settings"], filled=True)
        run = CopyRun(dest, manifest, remember=merge.labels is not None)
        for place, (name, boxes, entry) in enumerate(_outcomes(parts)):
            task = CopyTask(selection.files[place], place + 1)
            run.take(CopyOutcome(task, name, Entry(*entry), boxes))
            if progress is not None:
                progress(place + 1, len(selection.files))
        written = None
        if merge.labels is not None:
            rows = rows if head["traits"] else without_traits(rows)
            names = Pseudonyms(names_of(key))
            text, written = labels_of_copies(run.copies, originals, rows, names, csv_name(merge.labels))
            write_labels(manifest, dest, text)
        manifest.end(dest)
    return MergedCopies(report_of_run(run, selection, rows, written), head["profile"], head["ocr"])


def _outcomes(parts: Sequence[Part]) -> Iterator[Any]:
    """The lines of all parts, in the order of the files."""
    lines = [part.lines() for part in parts]
    for one in lines:
        next(one)
    for place in range(parts[0].header.files):
        yield next(lines[place % len(parts)])


def _expect_same_list(part: Part, listed: str) -> None:
    if part.header.listed != listed:
        raise RefusedError(
            "the parts were made for another list of files than SOURCE has now",
            reason="part.other-files",
            file=part.name,
            advice="Name the same SOURCE. If its files have changed, begin anew with deidentify terms",
        )


def _expect_own_copies(parts: Sequence[Part], manifest: Manifest, dest: Path) -> None:
    """Whether the folder of copies has what the parts say, and nothing else.

    :raises RefusedError: it has not.
    """
    made = FirstValues()
    for _, _, entry in _outcomes(parts):
        result = Entry(*entry).result
        if result is None:
            continue
        if not os.path.lexists(dest / result):
            raise RefusedError(
                "a copy that a shard has made is not there any more",
                reason="copies.gone",
                file=dest,
                advice="Name the folder that the shards were told, or type their commands again with --force",
            )
        made.first(0, own_mark(result), 1)
    if manifest.settings_of(dest) is not None:
        return  # of a merge that was cut off, or of one that is typed again
    for path in dest.rglob("*"):
        relative = path.relative_to(dest).as_posix()
        leftover = path.name.startswith(".") and path.name.endswith(".tmp")
        is_own = relative == LABELS or leftover or made.first(0, own_mark(relative), 2) == 1
        if not is_own and not (path.is_dir() and not path.is_symlink()):
            raise RefusedError(
                "this folder holds files that no shard has made",
                reason="copies.folder-not-empty",
                file=dest,
                advice="Move them away, then type the command again",
            )
