"""The options of commands that share their work among machines. Tested in tests/cli/test_check_shards.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from privxray.cli.options.written_files import require_free
from privxray.cli.output import counted, emit, tell
from privxray.errors import UsageError

if TYPE_CHECKING:
    from privxray.workflow.shards.job_key import JobKey
    from privxray.workflow.shards.shard_work import ShardDone, ShardWork

_PANEL: Final = "On several machines (docs/COMMANDS.md)"

_Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Do part I of N of the work, such as 3/64, and write what comes of it to --out.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
_Merge = Annotated[
    bool, typer.Option("--merge", help="Put the parts of all shards together.", rich_help_panel=_PANEL)
]
_KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="The job's key: privxray check key or deidentify key makes it.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="The part to write.", rich_help_panel=_PANEL, show_default=False
    ),
]
_Terms = Annotated[
    Path | None,
    typer.Option(
        "--terms",
        metavar="FILE",
        help="The file that the command terms wrote with --merge.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Sharing:
    """What was typed of a job on several machines.

    :ivar shard: which share. :ivar merge: the files are parts. :ivar key_file: the job's key.
    :ivar out: the part to write.
    """

    shard: _Shard = None
    merge: _Merge = False
    key_file: _KeyFile = None
    out: _Out = None

    def __bool__(self) -> bool:
        return self.merge or any(one is not None for one in (self.shard, self.key_file, self.out))

    def expect_whole(self, *, out_of_merge: bool) -> None:
        """Whether the options fit each other.

        :param out_of_merge: a merge writes a part, too.
        :raises UsageError: they don't.
        """
        if self.merge == (self.shard is not None):
            raise UsageError(
                "a job on several machines is typed with either --shard or --merge",
                reason="shard.or-merge",
                advice="Type --shard I/N for one part of the work, --merge for the parts of all",
            )
        needed = {"--key-file": self.key_file}
        if out_of_merge or not self.merge:
            needed["--out"] = self.out
        missing = [option for option, typed in needed.items() if typed is None]
        if missing:
            raise UsageError(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
                reason="shard.option-missing",
                advice="docs/COMMANDS.md has an example",
            )
        require_free({"--out": self.out}, force=True)

    def key(self) -> JobKey:
        """The job's key."""
        from privxray.workflow.shards.job_key import load_job_key

        assert self.key_file is not None  # expect_whole
        return load_job_key(self.key_file)

    def work(self, jobs: int, *, force: bool) -> ShardWork:
        """What the shard is told."""
        from privxray.workflow.shards.shard import read_shard
        from privxray.workflow.shards.shard_work import ShardWork

        assert self.shard is not None
        assert self.out is not None
        return ShardWork(read_shard(self.shard), self.key(), self.out, jobs, force)


@dataclass(frozen=True)
class SharingWithTerms(Sharing):
    """The same for a step that follows another one.

    :ivar terms: what the step before it wrote.
    """

    terms: _Terms = None

    def __bool__(self) -> bool:
        return super().__bool__() or self.terms is not None

    def expect_whole(self, *, out_of_merge: bool) -> None:
        """See :meth:`Sharing.expect_whole`."""
        super().expect_whole(out_of_merge=out_of_merge)
        if self.merge == (self.terms is not None):
            raise UsageError(
                "--terms is missing" if self.terms is None else "--merge has no use for --terms",
                reason="shard.terms",
                advice="--shard needs the file that terms --merge wrote; --merge needs the parts alone",
            )


def merge_has_own_options() -> UsageError:
    """The error where --merge was typed with options that belong to shards."""
    return UsageError(
        "--merge takes no --ocr, no --jobs and no profile, for the parts were made with theirs",
        reason="shard.merge-options",
        advice="Leave them out",
    )


def show_shard(done: ShardDone, shard: str, *, as_json: bool) -> None:
    """Print what a shard has done. What it found is in its part alone."""
    if as_json:
        emit({"shard": shard, "files": done.files, "files_of_all": done.of, "before": done.before})
    elif done.before:
        tell("This part is there already, of the same files and options. Nothing was done.")
    else:
        tell(f"Shard {shard} is done: {counted(done.files, 'file')} of {done.of}.")
