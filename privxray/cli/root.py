"""What all commands stand below: the group that runs them, and the options of every one.

:mod:`privxray.cli.app` has all commands, :mod:`privxray.cli.status_alone` the one that has to start fast.
Tested in every test that types a command (tests/cli).
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from privxray.cli.command_log import close_log, keep_here, keeping, new_log
from privxray.cli.current_workspace import standing
from privxray.cli.failures import explained, is_typers_end, report
from privxray.cli.output import verbose
from privxray.cli.running import UNEXPECTED
from privxray.cli.typed_command import typed_command
from privxray.cli.watching import watching
from privxray.errors import UsageError
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


def _version(wanted: bool) -> None:
    if wanted:
        print(f"privxray {__version__}")
        raise typer.Exit


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


def new_app() -> typer.Typer:
    """The program without a command."""
    made = typer.Typer(
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
    made.callback()(_main)
    return made
