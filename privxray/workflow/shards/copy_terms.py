"""The first array of a de-identification: what only the whole set tells of patients, on all machines.

As for a check, but by patient: a name of one file is to be found in the other files of the same patient. A
shard tells what its files say of each patient, once. The merge gathers it by the same code as a run on one
machine (:class:`privxray.deid.cleaning.copies.read_ahead.SetValues`). Pseudonyms stand for the patients.

Memory: a shard holds the values of the patients in it, the merge those of all patients. Tested in
tests/cli/test_deidentify_shards.py.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from privxray.deid.cleaning.copies.copy_file import CopyTask
from privxray.deid.cleaning.copies.read_ahead import Head, SetValues, read_head_of
from privxray.deid.cleaning.elements.patient_values import NO_VALUES, PatientValues
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.judging.leaks import LeakSearch
from privxray.deid.judging.set_passes import Progress
from privxray.deid.judging.set_relations import Mark, keyed_mark
from privxray.deid.profile.profile import Profile
from privxray.deid.profile.profile_json import profile_from_json, profile_to_json
from privxray.deid.sources.packed_files import NumberedFile
from privxray.deid.sources.source import Source
from privxray.errors import RefusedError
from privxray.system.names import long_path
from privxray.workflow.images.deidentify_folder import expect_doable, images_of
from privxray.workflow.shards.check_terms import profile_digest
from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.part_file import Part, PartHeader, is_there, write_part
from privxray.workflow.shards.part_set import expect_same_job, expect_unchanged, read_part, read_parts
from privxray.workflow.shards.shard_files import ShardFiles
from privxray.workflow.shards.shard_work import ShardDone, ShardWork


@dataclass(frozen=True, slots=True)
class ShardTerms:
    """What the whole set tells of a shard's files.

    :ivar tasks: the shard's files, with it. :ivar leaks: what identifies any patient of the set.
    """

    tasks: list[CopyTask]
    leaks: LeakSearch


def gather_patients(
    source: Path, profile: Profile, work: ShardWork, progress: Progress | None = None
) -> ShardDone:
    """Read the heads of a shard's files, and write what they say of their patients.

    :raises UsageError: there is no image, or the profile asks for what no program can do.
    :raises RefusedError: the key is of no workspace; or another file is there.
    """
    expect_doable(profile)
    files = ShardFiles(images_of(Source(long_path(source))), work.shard, work.key)
    names = Pseudonyms(names_of(work.key))
    header = files.header("copy terms", profile_digest(work.key, profile))
    done = ShardDone(len(files.own), header.files, not work.force and is_there(work.out, header, work.key))
    if not done.before:
        mark = keyed_mark(work.key.derived("marks"))
        heads = _heads(files.own, names, profile, mark, progress)
        lines = chain([{"profile": profile_to_json(profile)}], _told_once(heads))
        write_part(work.out, header, work.key, lines, force=work.force)
    return done


def names_of(key: JobKey) -> bytes:
    """The key of the pseudonyms.

    :raises RefusedError: the job's key is of a check, and has none.
    """
    if key.names is None:
        raise RefusedError(
            "this job's key is for a check: it can't make pseudonyms",
            reason="job-key.no-pseudonyms",
            advice="Make one in the hospital's workspace: privxray deidentify key FILE",
        )
    return key.names


def _heads(
    files: Sequence[NumberedFile],
    names: Pseudonyms,
    profile: Profile,
    mark: Mark,
    progress: Progress | None,
) -> Iterator[tuple[int, Head]]:
    for done, (place, file) in enumerate(files, start=1):
        yield place, read_head_of(file, names, profile, mark)
        if progress is not None:
            progress(done, len(files))


def _told_once(heads: Iterator[tuple[int, Head]]) -> Iterator[list[Any]]:
    """A line for each file that says anything: place, patient, values that are new of the patient, marks."""
    told: defaultdict[str, PatientValues] = defaultdict(PatientValues)
    for place, head in heads:
        before = told[head.patient]
        told[head.patient] = before | head.values
        stored = head.values.stored - before.stored if head.patient else frozenset()
        new = PatientValues(stored, head.values.undisguised - before.undisguised)
        if head.patient or head.marks or new.undisguised:
            yield [place, head.patient, *_values_to_json(new), head.marks]


def merge_patients(paths: Sequence[Path], key: JobKey, out: Path, *, force: bool) -> int:
    """Make one file of the parts of all shards.

    :returns: how many shards there are.
    :raises UsageError: a part is missing.
    :raises RefusedError: a part is doubled or foreign; or another file is there.
    """
    parts = read_parts(paths, "copy terms", key)
    content = key.digest("copy terms")
    for part in parts:
        content.update(f"{replace(part.header, salt='')}\n".encode())
    state = content.hexdigest()[:32]
    header = replace(parts[0].header, kind="all copy terms", shard=0, state=state, salt="")
    if force or not is_there(out, header, key):
        write_part(out, header, key, _merged(parts), force=force)
    return len(parts)


def _merged(parts: Sequence[Part]) -> Iterator[Any]:
    """A line for each file that is of a patient or refused; null; the patients; null; what all share."""
    told = [part.lines() for part in parts]
    heads = [next(lines) for lines in told]
    whole = SetValues(profile_from_json(heads[0]["profile"]))
    for place, patient, stored, undisguised, marks in heapq.merge(*told, key=lambda line: line[0]):
        values = _values_from_json(stored, undisguised)
        refusal = whole.add(Head(patient, b"", values, None if marks is None else tuple(marks)))
        if patient or refusal:
            yield [place, patient, refusal]
    yield None
    for patient, values in whole.patients():
        yield [patient, *_values_to_json(values)]
    yield None
    yield {"leaks": whole.leaks().to_json(), "states": [part.header.state for part in parts]}


def read_patients(path: Path, key: JobKey, files: ShardFiles, header: PartHeader) -> tuple[ShardTerms, str]:
    """What the whole set tells of a shard's files, and the digest that stands for it.

    :param header: of the shard's part of the first array.
    :raises RefusedError: it was made for something else, or files of the shard have changed since.
    """
    part = read_part(path, "all copy terms", key)
    expect_same_job(part, header)
    own = {place for place, _ in files.own}
    lines = part.lines()
    told = {place: rest for place, *rest in iter(lambda: next(lines), None) if place in own}
    needed = {patient for patient, _ in told.values()}
    values: dict[str, PatientValues] = {}
    for patient, stored, undisguised in iter(lambda: next(lines), None):
        if patient in needed:
            values[patient] = _values_from_json(stored, undisguised)
    last = next(lines)
    expect_unchanged(part, last["states"], header)
    tasks = []
    for place, file in files.own:
        patient, refusal = told.get(place, ("", ""))
        tasks.append(CopyTask(file, place + 1, values.get(patient, NO_VALUES), refusal))
    return ShardTerms(tasks, LeakSearch.from_json(last["leaks"])), part.header.state


def _values_to_json(values: PatientValues) -> tuple[list[str], list[Any]]:
    return sorted(value.decode("latin-1") for value in values.stored), sorted(values.undisguised)


def _values_from_json(stored: Sequence[str], undisguised: Sequence[Any]) -> PatientValues:
    return PatientValues(
        frozenset(text.encode("latin-1") for text in stored),
        frozenset((kind, text) for kind, text in undisguised),
    )
