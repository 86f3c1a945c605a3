"""Do these parts make a whole? Whatever is missing, doubled or foreign among them is named.

Tested in tests/unit/test_shards.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from privxray.errors import RefusedError, UsageError
from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.part_file import WRITTEN_BY, Part, PartHeader, PartKind
from privxray.workflow.shards.shard import Shard

_AGAIN: Final = "Leave it out, and name the part that belongs here; or type the command of its shard again"

_DIFFERENCES: Final = (
    ("version", "part.other-version", "was made by another version of privxray"),
    ("shards", "part.other-total", "was made with another number of shards"),
    ("files", "part.other-files", "was made for another list of files"),
    ("skipped", "part.other-files", "was made for another list of files"),
    ("listed", "part.other-files", "was made for another list of files"),
    ("options", "part.other-options", "was made with other options, such as --profile or --ocr,"),
    ("after", "part.other-terms", "was made with another file of --terms"),
)


def read_parts(paths: Sequence[Path], kind: PartKind, key: JobKey) -> list[Part]:
    """The parts of all shards, in their order.

    :raises UsageError: some are missing, or none was named.
    :raises RefusedError: one is doubled, or does not belong to the others.
    """
    parts = [read_part(path, kind, key) for path in paths]
    if not parts:
        raise UsageError(
            "there is no part to merge", reason="part.none", advice="Name the files that --out has named"
        )
    for field, reason, what in _DIFFERENCES:
        counted = Counter(getattr(part.header, field) for part in parts)
        ((usual, _),) = counted.most_common(1)
        for part in parts:
            if getattr(part.header, field) != usual:
                raise _foreign(part, reason, f"this part {what} than most of the others")
    by_shard: dict[int, Part] = {}
    for part in parts:
        other = by_shard.setdefault(part.header.shard, part)
        if other is not part:
            which = Shard(part.header.shard, part.header.shards)
            raise _foreign(part, "part.doubled", f"this is a part of shard {which}, and so is {other.name}")
    missing = [number for number in range(1, parts[0].header.shards + 1) if number not in by_shard]
    if missing:
        total = parts[0].header.shards
        raise UsageError(
            f"the part of shard {Shard(missing[0], total)} is missing"
            if len(missing) == 1
            else f"of {total} shards the parts of these are missing: {runs(missing)}",
            reason="part.missing",
            advice="Name it as well, or type the command of its shard"
            if len(missing) == 1
            else "Name them as well, or type the commands of their shards",
        )
    return [by_shard[number] for number in sorted(by_shard)]


def read_part(path: Path, kind: PartKind, key: JobKey) -> Part:
    """One part.

    :raises RefusedError: it is of another kind, or of another job.
    """
    part = Part(path, key)
    if part.header.kind != kind:
        raise RefusedError(
            f"this file is of {WRITTEN_BY[part.header.kind]}, and one of {WRITTEN_BY[kind]} is needed",
            reason="part.other-kind",
            file=part.name,
            advice=f"Name what {WRITTEN_BY[kind]} has written",
        )
    return part


def expect_same_job(part: Part, header: PartHeader) -> None:
    """Whether a part of all shards fits what a shard is about to do.

    :raises RefusedError: it was made for something else.
    """
    for field, reason, what in _DIFFERENCES:
        if field != "after" and getattr(part.header, field) != getattr(header, field):
            raise RefusedError(
                f"this file {what} than this shard",
                reason=reason,
                file=part.name,
                advice="Name what the steps before made for this job, or type those steps again",
            )


def expect_unchanged(part: Part, states: Sequence[str], header: PartHeader) -> None:
    """Whether a shard's files are as they were when the first array read them.

    :param part: of all shards. :param states: of each shard's files. :param header: of the shard.
    :raises RefusedError: they were changed.
    """
    if states[header.shard - 1] != header.state:
        raise RefusedError(
            "files of this shard were changed after their values were gathered",
            reason="shard.files-changed",
            file=part.name,
            advice="Begin anew with the step terms, for this shard and then for --merge",
        )


def runs(numbers: Sequence[int]) -> str:
    """Ascending numbers in words: ``2, 5 to 9``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(
        str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" if len(run) > 2 else f"{run[0]}, {run[1]}"
        for run in found
    )


def _foreign(part: Part, reason: str, what: str) -> RefusedError:
    return RefusedError(what, reason=reason, file=part.name, advice=_AGAIN)
