"""``privxray check key`` and ``check terms``: what a check on several machines does first.

Tested in tests/cli/test_check_shards.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.commands.check_command import check
from privxray.cli.options import Force, Jobs, Json
from privxray.cli.options.command_with_steps import CommandWithSteps
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.option_group import takes
from privxray.cli.options.profile_options import Typed, takes_profile
from privxray.cli.options.shard_options import Sharing, merge_has_own_options, show_shard
from privxray.cli.output import counted, emit, tell
from privxray.deid.workers.worker_pool import worker_count
from privxray.steps import step


def add_to(app: typer.Typer) -> None:
    """Register ``check`` with its steps."""
    group = typer.Typer(
        name="check", cls=CommandWithSteps, invoke_without_command=True, rich_markup_mode=None, callback=check
    )
    group.command("key")(key)
    group.command("terms")(terms)
    app.add_typer(group)


def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, which only you may read.")],
    as_json: Json = False,
) -> None:
    """Make the key of a check on several machines.

    For instance: privxray check key job.key
    """
    from privxray.workflow.shards.job_key import make_job_key

    make_job_key(file)
    if as_json:
        emit({"path": str(file)})
        return
    tell("Whoever has this key can read every part of the job. Delete it when the report is there.")
    close("check key")


@takes_profile()
@takes("sharing", Sharing)
def terms(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATHS", help="Folders or files; with --merge the parts.")
    ],
    profile: Typed,
    sharing: Sharing,
    jobs: Jobs = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Gather the values to search for, on several machines.

    For instance: privxray check terms FOLDER --shard 3/64 --key-file job.key --out terms-3.part
    """
    from privxray.workflow.shards.check_terms import gather_terms, merge_terms

    sharing.expect_whole(out_of_merge=True)
    if sharing.merge:
        if profile or jobs is not None:
            raise merge_has_own_options()
        assert sharing.out is not None  # expect_whole
        found = merge_terms(expand(paths), sharing.key(), sharing.out, force=force)
        if as_json:
            emit({"shards": len(found.states), "limited": found.limited})
            return
        if found.limited:
            tell(
                "The set has more than 100,000 values to search for. The others are left out, as in one run."
            )
        tell(f"The values of {counted(len(found.states), 'shard')} are in one file now.")
        close("check terms --merge")
        return
    work = sharing.work(worker_count(jobs), force=force)
    with step("Gathering") as bar:
        done = gather_terms(paths, profile.load(), work, bar)
    show_shard(done, str(work.shard), as_json=as_json)
    if not as_json:
        close("check terms")
