"""The ``privxray`` command: its sub-commands, and the one place where an error becomes an exit code.

===== ======================================================================================
code  meaning
===== ======================================================================================
0     done
1     the operating system refused (disk full, no permission), or privxray itself is at fault
2     the command was typed in a way that can't be meant
3     findings: an image is not shown to be de-identified, or ``doctor`` or ``audit`` found something wrong
4     refused: it exists already, was done before, or a rule of the study forbids it
10    no workspace, or not yet ready for this command
11    a file is malformed: cut off, altered, undecodable
12    a wrong passphrase, or a file that is sealed to another key
13    a signature, a signer or key words that don't match
14    the privacy budget does not allow it; nothing was spent
15    the cohort is incomplete: an update is missing or refused
130   cancelled
===== ======================================================================================
"""

from __future__ import annotations

import os
import sqlite3
import sys
import warnings
from functools import cache
from pathlib import Path, PurePath
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from privxray.cli.commands import (
    audit_commands,
    budget_command,
    check_command,
    deidentify_command,
    demo_command,
    doctor_command,
    help_command,
    infer_commands,
    inspect_command,
    status_command,
)
from privxray.cli.commands.study import (
    accept_command,
    aggregate_command,
    card_command,
    evaluate_command,
    export_update_command,
    ingest_command,
    init_command,
    join_command,
    plan_command,
    predict_command,
    train_command,
    unmask_command,
)
from privxray.cli.output import emit, tell
from privxray.cli.running import UNEXPECTED, run_command
from privxray.errors import (
    AbsentFileError,
    CancelledError,
    FindingsError,
    PrivxrayError,
    StrangeFileError,
    SystemTroubleError,
)
from privxray.version import __version__

_CANCELLED_HERE = "cancelled. The same command goes on where this one stopped"

# OpenMP's threads, which torch computes with, wait by spinning. Where anything else wants the two cores of a
# workstation, the default makes features three to nine times slower (measured); 1000 turns cost nothing.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class _Commands(TyperGroup):
    """Runs a command, and turns whatever it raises into one line and an exit code."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        try:
            return super().make_context(*arguments, **extra)
        except KeyboardInterrupt:  # Typer would end without a word
            _report(_cancelled(_CANCELLED_HERE), "--json" in (extra.get("obj") or sys.argv))

    def invoke(self, ctx: Any) -> Any:
        words = sys.argv if ctx.obj is None else ctx.obj
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(UNEXPECTED) from None
        except (
            KeyboardInterrupt,
            Exception,
        ) as error:  # the last resort: a traceback could hold a patient's data
            if type(error).__module__.partition(".")[0] in ("click", "typer") and not _aborted(error):
                if "--json" in words and hasattr(error, "format_message"):
                    emit({"error": {"reason": "usage", "what": error.format_message()}, "exit_code": 2})
                raise  # a usage error, or an exit code on its way
            _report(_told(error), "--json" in words, verbose=bool(ctx.params.get("verbose")))


def _aborted(error: BaseException) -> bool:
    """Ctrl-C at a prompt."""
    return type(error).__name__ == "Abort"


def _told(error: BaseException) -> PrivxrayError:
    """Whatever was raised, as an error for a person."""
    if isinstance(error, PrivxrayError):
        if isinstance(error, AbsentFileError | StrangeFileError) and error.file is not None:
            error.file = _named(error.file)
        return error
    if isinstance(error, KeyboardInterrupt):
        return _cancelled(_CANCELLED_HERE)
    if _aborted(error):
        return _cancelled("cancelled. Nothing was changed")
    if isinstance(error, OSError):
        return SystemTroubleError(
            error.strerror or "refused by the operating system",
            reason="system.refused",
            file=_named(error.filename) if isinstance(error.filename, str) else None,
            advice="Nothing is left half-written; mend it and type the command again",
        )
    if isinstance(error, sqlite3.Error):
        return SystemTroubleError(
            f"the workspace's database can't be used ({type(error).__name__})",
            reason="system.database",
            advice="Check the disk and its free space, then type the same command again",
        )
    if isinstance(error, MemoryError):
        return SystemTroubleError("there is not enough memory for this", reason="system.memory")
    place = f"{type(error).__name__} at {_where(error)}"
    return PrivxrayError(
        f"privxray itself failed ({place}); please report this line", reason="internal.fault"
    )


def _cancelled(line: str) -> PrivxrayError:
    return CancelledError(line, reason="system.cancelled")


def _report(error: PrivxrayError, as_json: bool, *, verbose: bool = False) -> NoReturn:
    if as_json and not isinstance(error, FindingsError):  # findings have printed their object already
        told = {"reason": error.reason, "what": error.what, "file": error.file, "advice": error.advice}
        emit({"error": told, "exit_code": error.exit_code})
    tell(f"privxray: {error}")
    if verbose:
        tell(f"reason: {error.reason}; more: privxray help {error.reason}")
    raise typer.Exit(error.exit_code) from None


def _named(path: str) -> str:
    """A file that anybody may have named, by a name that identifies nobody."""
    from privxray.naming.public_names import lone_name

    return lone_name(PurePath(path))


def _where(error: BaseException) -> str:
    """The file and line in this package where an unexpected error arose: code, not data."""
    place, step = "unknown", error.__traceback__
    package = str(Path(__file__).parents[1])
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.startswith(package):
            place = f"{Path(file).relative_to(package)}:{step.tb_lineno}"
        step = step.tb_next
    return place


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
    verbose: Annotated[  # noqa: ARG001 - read where an error is told
        bool, typer.Option("--verbose", help="Name the reason of an error; privxray help REASON explains it.")
    ] = False,
) -> None:
    warnings.filterwarnings("ignore")  # libraries warn with what they were given, which may be a patient's
    if folder is not None:
        before = Path.cwd()
        try:
            os.chdir(folder)
        except OSError as error:
            raise typer.BadParameter(f"{folder}: {error.strerror}", param_hint="-C") from None
        ctx.call_on_close(lambda: os.chdir(before))


for command in (
    init_command.init,
    card_command.card,
    check_command.check,
    deidentify_command.deidentify,
    ingest_command.ingest,
    train_command.train,
    evaluate_command.evaluate,
    predict_command.predict,
    plan_command.plan,
    aggregate_command.aggregate,
    join_command.join,
    export_update_command.export_update,
    unmask_command.unmask,
    accept_command.accept,
    status_command.status,
    inspect_command.inspect,
    budget_command.budget,
    doctor_command.doctor,
    help_command.help_,
    demo_command.demo,
):
    app.command(command.__name__.strip("_").replace("_", "-"))(command)
infer_commands.add_to(app)
audit_commands.add_to(app)


@cache
def _parser() -> Any:
    """The commands with their options. Typer would read every signature anew for each command that is run."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    return run_command(_parser().main, arguments)


def main() -> None:
    """The entry point of the ``privxray`` script."""
    sys.exit(run(sys.argv[1:]))
