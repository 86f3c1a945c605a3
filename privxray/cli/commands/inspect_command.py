"""``inspect``: what files say, and whether they are whole and signed.

Tested in tests/cli/test_study.py and tests/cli/test_inspect.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from privxray.cli.current_workspace import current_workspace
from privxray.cli.options import Constants, Json
from privxray.cli.options.file_patterns import expand
from privxray.cli.options.known_names import files_for
from privxray.cli.output import counted, emit, line, table, tell
from privxray.errors import PrivxrayError, UsageError, WorkspaceError
from privxray.naming.public_names import lone_name

if TYPE_CHECKING:
    from privxray.workflow.upkeep.inspect_file import Inspected
    from privxray.workspace.folder import Workspace


def inspect(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES",
            help="Files of any kind that travels, or folders of them.",
            autocompletion=files_for("inspect"),
        ),
    ],
    constants: Constants = False,
    as_json: Json = False,
) -> None:
    """What files say, and whether they are whole and signed."""
    from privxray.workflow.upkeep.inspect_file import inspect_file

    try:
        workspace = current_workspace()
    except WorkspaceError:
        workspace = None
    named = expand(files)
    if len(named) == 1 and not named[0].is_dir():
        _show(named[0], inspect_file(named[0], workspace), as_json=as_json, constants=constants)
    else:
        _show_all(named, workspace, as_json=as_json)


def _show(file: Path, seen: Inspected, *, as_json: bool, constants: bool) -> None:
    if as_json:
        emit({"file": str(file), **_json(seen)})
    else:
        whole = [
            *seen.summary.rows(),
            *seen.deciding,
            ("good?", seen.is_good()),
            ("what to do", seen.summary.todo),
        ]
        table(f"{file.name}: {seen.summary.what.partition(':')[0]}", ("to decide by", ""), whole)
        if seen.key_words:
            line(f"Key words: {seen.key_words}")
        if constants or not seen.deciding:
            line("")
            table("Everything in it", ("field", "value"), seen.rows())
        else:
            line("Everything in it: the same command with --constants.")
    state = "File complete and unchanged" if seen.verified else "File complete"
    tell(f"{state}. Signature: {seen.signature}.")


def _show_all(named: list[Path], workspace: Workspace | None, *, as_json: bool) -> None:
    """A line for each file; a file that is not good is listed, too, and the command then ends with its error.

    :raises PrivxrayError: the first one that is not good.
    """
    from privxray.workflow.upkeep.inspect_file import files_in, inspect_file

    found = [file for path in named for file in (files_in(path) if path.is_dir() else [path])]
    if not found:
        raise UsageError(
            "there is no file of privxray's in it",
            reason="inspect.nothing-there",
            advice="Name the file, or another folder",
        )
    rows: list[tuple[str, ...]] = []
    told: list[dict[str, Any]] = []
    bad: list[PrivxrayError] = []
    for file in found:
        try:
            seen = inspect_file(file, workspace)
        except PrivxrayError as error:
            bad.append(error)
            name = lone_name(file)
            rows.append((name, "not good", "", "", error.what))
            told.append({"file": name, "error": {"reason": error.reason, "what": error.what}})
        else:
            what, (whose, where) = (
                seen.summary.what.partition(":")[0],
                (seen.summary.whose, seen.summary.where),
            )
            rows.append((file.name, what, whose, where, seen.is_good().partition(";")[0]))
            told.append({"file": str(file), **_json(seen)})
    if as_json:
        emit({"files": told, "not_good": len(bad)})
    else:
        table(counted(len(found), "file"), ("file", "what", "whose", "study and round", "good?"), rows)
    if bad:
        tell(f"{len(bad)} of {counted(len(found), 'file')} not good.")
        raise typer.Exit(bad[0].exit_code)


def _json(seen: Inspected) -> dict[str, Any]:
    told = seen.summary
    return {
        "signature": seen.signature,
        "summary": {
            "what": told.what,
            "whose": told.whose,
            "study_and_round": told.where,
            "terms": told.terms,
            "good": seen.is_good(),
            "todo": told.todo,
        },
        "key_words": seen.key_words or None,
        "header": seen.header,
    }
