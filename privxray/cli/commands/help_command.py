"""``privxray help``: what a word or the reason of an error means."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from privxray.cli.closing import close
from privxray.cli.options import Json
from privxray.cli.output import emit, line
from privxray.errors import UsageError


def help_(
    word: Annotated[
        str | None,
        typer.Argument(help="A word that privxray printed, or the reason of an error.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain a word, or the reason of an error. Without one, list the words."""
    from privxray.explanations.catalogue import glossary, reasons

    words, known = glossary(), reasons()
    if word is None:
        if as_json:
            emit({"words": words, "reasons": {r.name: r.exit_code for r in known.values()}})
        else:
            line(", ".join(words))
            close("help")
        return
    meaning = {name.casefold(): text for name, text in words.items()}.get(word.casefold())
    reason = known.get(word)
    if reason is not None:
        if as_json:
            told = {"exit_code": reason.exit_code, "cause": reason.cause, "remedy": reason.remedy}
            emit({"reason": reason.name, **told})
        else:
            line(f"{reason.name} (exit code {reason.exit_code}): {reason.cause} {reason.remedy}")
    elif meaning is not None:
        if as_json:
            emit({"word": word, "meaning": meaning})
        else:
            line(f"{word}: {meaning}")
    else:
        near = get_close_matches(word, [*words, *known], n=3)
        raise UsageError(
            "this is not a word of the glossary, nor the reason of an error",
            reason="help.unknown-word",
            advice=f"Did you mean {' or '.join(near)}?" if near else "privxray help lists the words",
        )
