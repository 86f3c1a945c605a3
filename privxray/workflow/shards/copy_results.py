"""The second array of a de-identification: each shard makes its copies, and tells what became of each file.

The copies lie in one folder on the disk that the machines share; their names are keyed hashes, so shards do
not meet. No manifest is on the machines of the shards, and none is needed: whoever types a shard's command
again makes the same copies, and finds those that are there. :mod:`privxray.workflow.shards.copy_merge` writes
the manifest. Tested in tests/cli/test_deidentify_shards.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from privxray.deid.cleaning.copies.copy_file import CopyOutcome
from privxray.deid.cleaning.copies.copy_worker import settings_to_json
from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.deid.cleaning.copies.settings_digest import settings_digest
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.set_passes import Progress, in_order
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.sources.source import Source
from privxray.errors import RefusedError
from privxray.system.names import long_path
from privxray.workflow.images.copies_folder import expect_apart
from privxray.workflow.images.deidentify_folder import (
    PSEUDONYMS,
    DeidentifyOptions,
    expect_doable,
    images_of,
    threads,
)
from privxray.workflow.images.make_copies import outcomes_of
from privxray.workflow.shards.check_terms import profile_digest
from privxray.workflow.shards.copy_terms import names_of, read_patients
from privxray.workflow.shards.job_key import make_job_key
from privxray.workflow.shards.part_file import is_there, write_part
from privxray.workflow.shards.shard_files import ShardFiles
from privxray.workflow.shards.shard_work import ShardDone, ShardWork
from privxray.workspace.atomic import make_private_folder
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


def make_copy_key(workspace: Workspace, path: Path) -> None:
    """Write the key of a job that makes copies, with the workspace's key of pseudonyms in it.

    :raises RefusedError: a file is there, or this workspace has identifiers that a trial has assigned.
    """
    workspace.require("hospital", "deidentify")
    with (
        workspace.locked(),
        State(workspace.state_path) as state,
        Manifest(workspace.data, state.secret("manifest")) as manifest,
    ):
        if manifest.assigned():
            raise RefusedError(
                "this workspace gives patients the identifiers of a trial, which shards don't know",
                reason="job-key.assigned-identifiers",
                advice="De-identify on this machine: privxray deidentify SOURCE DEST",
            )
        make_job_key(path, state.secret(PSEUDONYMS))


def copy_shard(
    folders: tuple[Path, Path],
    terms: Path,
    options: DeidentifyOptions,
    work: ShardWork,
    progress: Progress | None = None,
) -> ShardDone:
    """Make the copies of a shard's files, and write what became of each.

    :param folders: of the originals, and of the copies.
    :param terms: what the whole set tells, as ``deidentify terms --merge`` wrote it.
    :raises UsageError: there is no image, or the profile asks for what no program can do.
    :raises RefusedError: the terms are of something else; one folder lies in the other; or another file is
        there.
    :raises OSError: a copy can't be written.
    """
    source, dest = map(long_path, folders)
    key, profile = work.key, options.profile
    expect_doable(profile)
    originals = Source(source)
    files = ShardFiles(images_of(originals), work.shard, key)
    expect_apart(None, originals.folder, dest)
    names = Pseudonyms(names_of(key))
    # Which words may stay is decided where a copy is made; the first array does not ask.
    of_terms = replace(profile, drop_unknown_text=False)
    gathered = files.header("copy terms", profile_digest(key, of_terms))
    told, after = read_patients(terms, key, files, gathered)
    settings = settings_digest(profile, options.ocr)
    header = files.header("copies", profile_digest(key, profile, settings), after)
    done = ShardDone(len(files.own), header.files, not work.force and is_there(work.out, header, key))
    if not done.before:
        make_private_folder(dest)
        setup = settings_to_json(dest, profile, names, threads(options), told.leaks)
        head = {
            "settings": settings,
            "profile": profile.summary,
            "ocr": options.ocr,
            "traits": ProfileOption.RETAIN_PATIENT_CHARACTERISTICS in profile.options,
        }
        outcomes = outcomes_of(setup, told.tasks, work.jobs)
        lines = _lines(head, outcomes, work.shard.total, len(files.own), progress)
        write_part(work.out, header, key, lines, force=work.force)
    return done


def _lines(
    head: dict[str, Any],
    outcomes: Iterator[CopyOutcome],
    shards: int,
    files: int,
    progress: Progress | None,
) -> Iterator[Any]:
    yield head
    numbered = (((outcome.task.number - 1) // shards, outcome) for outcome in outcomes)
    for index, outcome in in_order(numbered):
        yield [outcome.name, outcome.boxes, astuple(outcome.entry)]
        if progress is not None:
            progress(index + 1, files)
