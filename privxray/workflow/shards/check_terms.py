"""The first array of a check: the values that identify a patient of the set, gathered on all machines.

A shard lists a value at the first of its files that has it. The merge takes the values in the order of all
files, as a check in one run does, and stops at the same one if there are more than can be searched for
(:class:`privxray.deid.judging.gathered_terms.GatheredTerms`). Tested in tests/unit/test_shards.py.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from privxray.deid.judging.check import files_to_check
from privxray.deid.judging.gathered_terms import GatheredTerms
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.set_passes import FilesOfSet, Progress, ScanSettings
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_to_json
from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.part_file import PartHeader, is_there, write_part
from privxray.workflow.shards.part_set import expect_same_job, expect_unchanged, read_part, read_parts
from privxray.workflow.shards.shard_files import ShardFiles, options_digest
from privxray.workflow.shards.shard_work import ShardDone, ShardWork


@dataclass(frozen=True, slots=True)
class AllTerms:
    """The values of the whole set.

    :ivar leaks: what to search for. :ivar limited: there are more.
    :ivar states: of each shard's files when their values were gathered.
    :ivar digest: stands for all of this, keyed.
    """

    leaks: LeakSearch
    limited: bool
    states: tuple[str, ...]
    digest: str


def gather_terms(
    paths: Sequence[Path], profile: Profile, work: ShardWork, progress: Progress | None = None
) -> ShardDone:
    """Scan a shard's files, and write the values that identify a patient.

    :raises UsageError: there is nothing to check.
    :raises RefusedError: another file is there.
    """
    files = ShardFiles(files_to_check(paths), work.shard, work.key)
    header = files.header("terms", profile_digest(work.key, profile))
    done = ShardDone(len(files.own), header.files, not work.force and is_there(work.out, header, work.key))
    if not done.before:
        with FilesOfSet(files.own, ScanSettings(profile, False, work.jobs), progress) as scanned:
            write_part(work.out, header, work.key, _values(scanned), force=work.force)
    return done


def _values(files: FilesOfSet) -> Iterator[list[Any]]:
    """For each file with new values its number and those; last, the first value beyond the limit."""
    gathered = GatheredTerms()
    for record, undisguised in files.scan():
        new = [[kind, value] for kind, value in sorted(undisguised) if gathered.add(kind, value)]
        if new:
            yield [record.number, new]


def merge_terms(paths: Sequence[Path], key: JobKey, out: Path, *, force: bool) -> AllTerms:
    """Make one file of the parts of all shards.

    :raises UsageError: a part is missing.
    :raises RefusedError: a part is doubled or foreign; or another file is there.
    """
    parts = read_parts(paths, "terms", key)
    gathered = GatheredTerms()
    for _, values in heapq.merge(*(part.lines() for part in parts), key=lambda line: line[0]):
        for kind, value in values:
            gathered.add(kind, value)
    leaks = gathered.leaks()
    header = replace(parts[0].header, kind="all terms", shard=0, state="", salt="")
    states = [part.header.state for part in parts]
    line = {"leaks": leaks.to_json(), "limited": gathered.limited, "states": states}
    header = replace(header, state=_digest(key, line))
    if force or not is_there(out, header, key):
        write_part(out, header, key, [line], force=force)
    return _all_terms(line, header)


def read_terms(path: Path, key: JobKey, header: PartHeader) -> AllTerms:
    """The values of the whole set, for a shard.

    :param header: of a part of the shard, by the options of which the values were gathered.
    :raises RefusedError: they are of another job, another list of files or other options; or the shard's
        files have changed since.
    """
    part = read_part(path, "all terms", key)
    expect_same_job(part, header)
    (line,) = part.lines()
    terms = _all_terms(line, part.header)
    expect_unchanged(part, terms.states, header)
    return terms


def profile_digest(key: JobKey, profile: Profile, *more: str) -> str:
    """A digest of a profile, and of further options."""
    return options_digest(key, json.dumps(profile_to_json(profile), sort_keys=True), *more)


def _all_terms(line: dict[str, Any], header: PartHeader) -> AllTerms:
    leaks = LeakSearch.from_json(line["leaks"])
    return AllTerms(leaks, line["limited"], tuple(line["states"]), header.state)


def _digest(key: JobKey, line: dict[str, Any]) -> str:
    digest = key.digest("terms")
    digest.update(json.dumps(line, sort_keys=True).encode())
    return digest.hexdigest()[:32]
