"""The ``privxray`` command, and all of its sub-commands. Every test in tests/cli types them."""

from __future__ import annotations

import os
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from privxray.cli.command_log import close_log, keep_here, keeping, new_log
from privxray.cli.commands import (
    audit_commands,
    budget_command,
    check_commands,
    completion_command,
    crosswalk_commands,
    deidentify_commands,
    demo_command,
    doctor_command,
    exports_command,
    extractor_commands,
    help_command,
    infer_commands,
    inspect_command,
    model_commands,
    report_commands,
    status_command,
    withdraw_command,
)
from privxray.cli.commands.custody import (
    backup_command,
    distrust_command,
    passphrase_command,
    recovery_commands,
    restore_command,
    revoke_command,
    succeed_command,
    vote_command,
)
from privxray.cli.commands.study import (
    accept_command,
    aggregate_command,
    card_command,
    describe_command,
    evaluate_command,
    export_update_command,
    ingest_command,
    init_command,
    join_command,
    labels_command,
    plan_command,
    predict_command,
    refuse_command,
    train_command,
    unmask_command,
    verify_command,
    waive_command,
)
from privxray.cli.current_workspace import standing
from privxray.cli.failures import explained, is_typers_end, report
from privxray.cli.output import verbose
from privxray.cli.running import UNEXPECTED, run_command
from privxray.cli.typed_command import typed_command
from privxray.cli.watching import watching
from privxray.errors import UsageError
from privxray.system import console, process_memory
from privxray.version import __version__

# OpenMP's threads, which torch computes with, wait by spinning. Where anything else wants the two cores of a
# workstation, the default makes features three to nine times slower (measured); 1000 turns cost nothing.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class _Commands(TyperGroup):
    """Runs a command, and turns whatever it raises into one line and an exit code."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        try:
            return super().make_context(*arguments, **extra)
        except (KeyboardInterrupt, Exception) as error:
            if is_typers_end(error):
                raise
            report(explained(error), typed=extra.get("obj") or sys.argv)

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order of a study; Typer would list what has steps of its own at the end."""
        names = super().list_commands(ctx)
        with_steps = {"labels": "check", "ingest": "deidentify"}  # each comes before
        names = [name for name in names if name not in with_steps.values()]
        return [name for one in names for name in (with_steps.get(one), one) if name is not None]

    def invoke(self, ctx: Any) -> Any:
        words = sys.argv[1:] if ctx.obj is None else ctx.obj
        log = new_log(*typed_command(self, words))
        with keeping(log), watching(log):
            try:
                done = super().invoke(ctx)
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                close_log(UNEXPECTED)
                raise typer.Exit(UNEXPECTED) from None
            except (KeyboardInterrupt, Exception) as error:  # the last resort: tracebacks hold data
                if is_typers_end(error):
                    close_log(getattr(error, "exit_code", UNEXPECTED))
                    raise
                told = explained(error)
                close_log(told.exit_code, told)
                report(told, typed=words, verbose=verbose.get())
            close_log(0)
        return done


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train a chest X-ray classifier together with other hospitals by carrying files: "
    "no patient's data leaves its hospital, and no command uses a network.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"privxray {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    ctx: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option("-C", metavar="DIR", help="Run as if started in this folder.", show_default=False),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    _quiet: Annotated[
        bool, typer.Option("--quiet", help="Print errors and data only; also after the command's name.")
    ] = False,
    _verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Say what is done and how long it took, and name the reason of an error; also after "
            "the command's name. privxray help REASON explains a reason.",
        ),
    ] = False,
) -> None:
    token = standing.set(Path.cwd())
    ctx.call_on_close(lambda: standing.reset(token))
    warnings.filterwarnings("ignore")  # libraries warn with what they were given, which may be a patient's
    if folder is not None:
        before = Path.cwd()
        try:
            os.chdir(folder)
        except OSError as error:
            raise UsageError(
                f"this folder can't be entered ({error.strerror})",
                reason="usage",
                file=f"-C {folder}",
                advice="Check its path",
            ) from None
        ctx.call_on_close(lambda: os.chdir(before))
    keep_here()


check_commands.add_to(app)
deidentify_commands.add_to(app)
for command in (
    init_command.init,
    card_command.card,
    labels_command.labels,
    ingest_command.ingest,
    describe_command.describe,
    train_command.train,
    evaluate_command.evaluate,
    predict_command.predict,
    plan_command.plan,
    aggregate_command.aggregate,
    join_command.join,
    export_update_command.export_update,
    unmask_command.unmask,
    refuse_command.refuse,
    waive_command.waive,
    accept_command.accept,
    verify_command.verify,
    status_command.status,
    inspect_command.inspect,
    budget_command.budget,
    exports_command.exports,
    withdraw_command.withdraw,
    doctor_command.doctor,
    help_command.help_,
    passphrase_command.passphrase,
    backup_command.backup,
    restore_command.restore,
    revoke_command.revoke,
    succeed_command.succeed,
    distrust_command.distrust,
    vote_command.vote,
    completion_command.completion,
    demo_command.demo,
):
    app.command(command.__name__.strip("_").replace("_", "-"))(command)
extractor_commands.add_to(app)
infer_commands.add_to(app)
model_commands.add_to(app)
crosswalk_commands.add_to(app)
recovery_commands.add_to(app)
report_commands.add_to(app)
audit_commands.add_to(app)


@cache
def _parser() -> Any:
    """The commands with their options. Typer would read every signature anew for each command that is run."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    return run_command(_parser().main, arguments)


def main() -> None:
    """Run what was typed. Scripts of earlier installations start here, others in ``privxray.__main__``."""
    process_memory.keep_private()
    console.prepare()
    completion_command.answer_shells()
    sys.exit(run(sys.argv[1:]))
