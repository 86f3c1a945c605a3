"""``privxray deidentify key`` and ``deidentify terms``: what copies on several machines begin with.

Tested in tests/cli/test_deidentify_shards.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.commands.deidentify_command import deidentify
from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Force, Json
from privxray.cli.options.command_with_steps import CommandWithSteps
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.option_group import takes
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.options.shard_options import Sharing, merge_has_own_options, show_shard
from privxray.cli.output import counted, emit, tell
from privxray.errors import UsageError
from privxray.steps import step


def add_to(app: typer.Typer) -> None:
    """Register ``deidentify`` with its steps."""
    group = typer.Typer(
        name="deidentify",
        cls=CommandWithSteps,
        invoke_without_command=True,
        rich_markup_mode=None,
        callback=deidentify,
    )
    group.command("key")(key)
    group.command("terms")(terms)
    app.add_typer(group)


def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, which only you may read.")],
    as_json: Json = False,
) -> None:
    """Make the key of copies on several machines.

    For instance: privxray deidentify key job.key
    """
    from privxray.workflow.shards.copy_results import make_copy_key

    make_copy_key(current_workspace(), file)
    if as_json:
        emit({"path": str(file)})
        return
    tell(
        "This key makes the pseudonyms of this workspace: whoever has it can tell which pseudonym a record "
        "number has. Delete it when the copies are there."
    )
    close("deidentify key")


@takes_profile(writes=True)
@takes("sharing", Sharing)
def terms(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATHS", help="SOURCE; with --merge the parts of all shards.")
    ],
    profile: Typed,
    sharing: Sharing,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Gather what the whole set says of its patients.

    For instance: privxray deidentify terms SOURCE --shard 3/64 --key-file job.key --out terms-3.part
    """
    from privxray.workflow.shards.copy_terms import gather_patients, merge_patients

    sharing.expect_whole(out_of_merge=True)
    if sharing.merge:
        if profile:
            raise merge_has_own_options()
        assert sharing.out is not None  # expect_whole
        shards = merge_patients(expand(paths), sharing.key(), sharing.out, force=force)
        if as_json:
            emit({"shards": shards})
            return
        tell(f"The values of {counted(shards, 'shard')} are in one file now.")
        close("deidentify terms --merge")
        return
    if len(paths) != 1:
        raise UsageError(
            "deidentify terms takes one SOURCE for a shard, and more was typed",
            reason="shard.one-source",
            advice="Name the folder, DICOMDIR or zip that deidentify is to copy",
        )
    work = sharing.work(1, force=force)
    with step("Reading headers") as bar:
        done = gather_patients(paths[0], profile.load(), work, bar)
    show_shard(done, str(work.shard), as_json=as_json)
    if not as_json:
        close("deidentify terms")
