"""How a command ends without success: whatever was raised becomes one line on stderr and an exit code.

===== ======================================================================================
code  meaning
===== ======================================================================================
0     done
1     the operating system refused (disk full, no permission), or privxray itself is at fault
2     the options or values of a command make no sense, alone or together
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

import errno
import sqlite3
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NoReturn

import typer

from privxray.cli.output import FAULT, emit, tell
from privxray.errors import (
    AbsentFileError,
    CancelledError,
    FindingsError,
    NotTakenInError,
    PrivxrayError,
    StrangeFileError,
    SystemTroubleError,
)

_DISKS = {
    errno.ENOSPC: "no space is left on the disk that this folder is on",
    errno.EDQUOT: "your share of the disk that this folder is on is used up",
    errno.EROFS: "this folder can't be written to: its disk is mounted read-only",
}


def explained(error: BaseException) -> PrivxrayError:
    """Whatever was raised, as an error for a person. None of its own words are used unless they are ours."""
    if isinstance(error, PrivxrayError):
        if isinstance(error, AbsentFileError | StrangeFileError) and error.file is not None:
            error.file = _public(error.file)
        return error
    if _is_typers(error):
        if hasattr(error, "format_message"):
            from privxray.cli.usage_errors import usage_error

            return usage_error(error)
        return cancelled("cancelled. Nothing was changed")  # Ctrl-C at a prompt
    if isinstance(error, KeyboardInterrupt):
        return cancelled()
    return _of_the_system(error) or PrivxrayError(
        f"privxray itself failed ({type(error).__name__} at {_where(error)})",
        reason="internal.fault",
        advice="Please report this message; it holds no data",
    )


def is_typers_end(error: BaseException) -> bool:
    """Whether Typer ends the command in its own way: with an exit code, or with a help page."""
    return _is_typers(error) and type(error).__name__ in ("Exit", "NoArgsIsHelpError")


def cancelled(
    line: str = "cancelled. The same command goes on where this one stopped",
) -> PrivxrayError:
    """Ctrl-C."""
    return CancelledError(line, reason="system.cancelled")


def report(error: PrivxrayError, *, typed: Sequence[str], verbose: bool = False) -> NoReturn:
    """Print an error and end with its exit code.

    :param typed: the words of the command, by which it is known whether a program reads this.
    """
    from privxray.cli.way_out import show_way_out

    as_json = not {"--json", "--jsonl"}.isdisjoint(typed)
    show_way_out(error, typed, as_json=as_json)
    reported = isinstance(error, FindingsError) and not isinstance(error, NotTakenInError)
    if as_json and not reported:  # a report is the command's one object
        told: dict[str, object] = {
            "reason": error.reason,
            "what": error.what,
            "file": error.file,
            "advice": error.advice,
        }
        if error.places:
            told["places"] = {reason: list(places) for reason, places in error.places.items()}
        emit(
            {"error": told, "exit_code": error.exit_code},
            one_line=not {"--jsonl", "--watch"}.isdisjoint(typed),
        )
    tell(f"privxray: {error}", always=True, mark=FAULT)
    if verbose:
        tell(f"reason: {error.reason}; more: privxray help {error.reason}", always=True)
    raise typer.Exit(error.exit_code) from None


def _is_typers(error: BaseException) -> bool:
    """Whether this is an exception of Typer, or of Click, which older versions of it raise."""
    return type(error).__module__.partition(".")[0] in ("click", "typer")


def _of_the_system(error: BaseException) -> SystemTroubleError | None:
    if isinstance(error, OSError) and error.errno in _DISKS:
        return SystemTroubleError(
            _DISKS[error.errno],
            reason="system.disk",
            file=_folder_of(error),
            advice="Nothing is left half-written; mend it and type the command again",
        )
    if isinstance(error, OSError):
        return SystemTroubleError(
            error.strerror or "refused by the operating system",
            reason="system.refused",
            file=_public(error.filename) if isinstance(error.filename, str) else None,
            advice="Nothing is left half-written; mend it and type the command again",
        )
    if isinstance(error, sqlite3.OperationalError) and (trouble := _disk_of(error)):
        return SystemTroubleError(
            trouble,
            reason="system.disk",
            file=_workspace_folder(),
            advice="Nothing is left half-written; mend it and type the command again",
        )
    if isinstance(error, sqlite3.Error):
        return SystemTroubleError(
            f"the workspace's database can't be used ({type(error).__name__})",
            reason="system.database",
            advice="Check the disk and its free space, then type the same command again",
        )
    if isinstance(error, MemoryError):
        return SystemTroubleError(
            "there is not enough memory for this",
            reason="system.memory",
            advice="Close other programs, then type the same command again",
        )
    return None


def _disk_of(error: sqlite3.OperationalError) -> str | None:
    """What SQLite says of a disk; None where it says something else."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_READONLY"):
        return _DISKS[errno.EROFS]
    return _DISKS[errno.ENOSPC] if name == "SQLITE_FULL" else None


def _folder_of(error: OSError) -> str:
    """The folder of the file that could not be written: whole in a workspace, else its public name."""
    from privxray.naming.public_names import lone_name

    if not isinstance(error.filename, str):
        return _workspace_folder()
    folder = Path(error.filename).parent.resolve()
    root = Path(_workspace_folder())
    return str(folder) if folder == root else lone_name(folder, "a folder")


def _workspace_folder() -> str:
    from privxray.cli.current_workspace import current_workspace

    try:
        return str(current_workspace().root)
    except PrivxrayError:
        return "the current folder"


def _public(path: str) -> str:
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
