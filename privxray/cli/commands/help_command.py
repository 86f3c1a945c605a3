"""``help``: what a word or the reason of an error means. Tested in tests/cli/test_help.py."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.options import Json
from privxray.cli.options.known_names import explained
from privxray.cli.output import emit, line
from privxray.errors import UsageError


def help_(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD",
            help="A word that privxray printed, such as key words, or the reason of an error.",
            show_default=False,
            autocompletion=explained,
        ),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the JSON schema of what a command prints with --json."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Explain a word, or the reason of an error. Without one, list the words.

    With --schema it takes the name of a command. For instance: privxray help --schema budget
    """
    from privxray.explanations.catalogue import glossary, reasons

    if schema:
        _print_schema(" ".join(words or ()))
        return
    meanings, known = glossary(), reasons()
    if not words:
        if as_json:
            emit({"words": meanings, "reasons": {r.name: r.exit_code for r in known.values()}})
        else:
            line(", ".join(meanings))
            close("help")
        return
    asked = " ".join(words)
    reason = known.get(asked.casefold())
    meaning = {word.casefold(): text for word, text in meanings.items()}.get(asked.casefold())
    if reason is not None:
        if as_json:
            told = {"exit_code": reason.exit_code, "cause": reason.cause, "remedy": reason.remedy}
            emit({"reason": reason.name, **told})
        else:
            line(f"{reason.name} (exit code {reason.exit_code}): {reason.cause} {reason.remedy}")
    elif meaning is not None:
        if as_json:
            emit({"word": asked, "meaning": meaning})
        else:
            line(f"{asked}: {meaning}")
    else:
        near = get_close_matches(asked, [*meanings, *known], n=3)
        raise UsageError(
            "privxray knows no word and no reason of this name",
            reason="help.unknown-word",
            advice=f"Did you mean {' or '.join(near)}?" if near else "Type privxray help to list the words",
        )


def _print_schema(command: str) -> None:
    """:raises UsageError: there is no command of this name that has ``--json``."""
    from privxray.cli.json_models import catalogue

    if command not in catalogue.OUTPUTS:
        near = get_close_matches(command, catalogue.OUTPUTS, n=3)
        raise UsageError(
            "no command of this name has --json",
            reason="help.no-schema",
            advice=f"Did you mean {' or '.join(near)}?" if near else "privxray --help lists the commands",
        )
    emit(catalogue.schema(command))
