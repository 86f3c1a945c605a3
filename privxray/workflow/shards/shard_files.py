"""Which files belong to a shard: every n-th of the sorted list, which each machine makes for itself.

The order of the file system plays no part, for the list is sorted by the files' paths. All machines must see
the same list; its digest is in every part. Tested in tests/unit/test_shards.py.
"""

from __future__ import annotations

from privxray.deid.dicomfile.untrusted_bytes import UnreadFileError
from privxray.deid.sources.gathered import Selection
from privxray.deid.sources.packed_files import NumberedFiles
from privxray.deid.sources.source_file import SourceFile
from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.part_file import PartHeader, PartKind
from privxray.workflow.shards.shard import Shard

_SHOWN = 32


class ShardFiles:
    """The files of one shard, and what stands for the list of all files.

    :param selection: all files.
    :ivar own: the shard's files with their places among all.
    :ivar selection: as it was given.
    """

    def __init__(self, selection: Selection, shard: Shard, key: JobKey) -> None:
        self.selection = selection
        self._shard = shard
        self._job = key.job
        self._listed = list_digest(selection, key)
        places = shard.places(len(selection.files))
        self.own = NumberedFiles(selection.files, places)
        state = key.digest("state")
        for place, file in self.own:
            state.update(f"{place} {_stamp(file)}\n".encode())
        self._state = state.hexdigest()[:_SHOWN]

    def header(self, kind: PartKind, options: str, after: str = "") -> PartHeader:
        """The header of a part of this shard.

        :param options: digest of what was typed. :param after: digest of the part before.
        """
        return PartHeader(
            kind=kind,
            job=self._job,
            shard=self._shard.number,
            shards=self._shard.total,
            files=len(self.selection.files),
            skipped=len(self.selection.passed_over),
            listed=self._listed,
            state=self._state,
            options=options,
            after=after,
        )


def list_digest(selection: Selection, key: JobKey) -> str:
    """A digest of the list of all files."""
    listed = key.digest("list")
    for file in selection.files:
        listed.update(f"{file.relative}\0{file.trouble}\0".encode("utf-8", "surrogatepass"))
    listed.update(f"{selection.indexes} {len(selection.missing)}".encode())
    return listed.hexdigest()[:_SHOWN]


def options_digest(key: JobKey, *options: str) -> str:
    """A digest of what was typed."""
    digest = key.digest("options")
    for option in options:
        digest.update(f"{len(option)} {option}".encode())
    return digest.hexdigest()[:_SHOWN]


def _stamp(file: SourceFile) -> str:
    """Size and time of the last change; a word where the file can't be looked at, as the check will find."""
    try:
        size, changed = file.stamp()
    except (OSError, UnreadFileError):
        return "unread"
    return f"{size} {changed}"
