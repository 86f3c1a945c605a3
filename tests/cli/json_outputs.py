"""Every JSON object that a command prints in this process is held against the model of that command."""

from __future__ import annotations

import builtins
import contextlib
import io
import sys
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from privxray.cli import check_json, output
from privxray.cli.json_models import catalogue

faults: list[str] = []
"""What was wrong, until the test at hand ends."""
held: set[str] = set()
"""Commands whose object was held against their model in this process."""


def watch() -> None:
    """From now on look at whatever commands print for programs."""
    output.print = _print_seen  # type: ignore[attr-defined] - emit alone uses it there
    check_json.print_object = _seen(check_json.print_object, lambda text: expect("check", text))
    check_json.print_lines = _seen(check_json.print_lines, _expect_lines)


def expect(command: str, text: str) -> None:
    """Hold a text against the model of a command; what does not fit goes into ``faults``."""
    held.add(command)
    try:
        catalogue.adapter(command).validate_json(text)
    except (KeyError, ValidationError) as error:
        faults.append(f"{command} --json, see CONTRIBUTING.md on how to add a command: {error}")


def _expect_lines(text: str) -> None:
    for line in text.splitlines():
        expect(catalogue.JSONL, line)


def _print_seen(text: str) -> None:
    if text.startswith(('{\n  "error": {\n', '{"error": {')):
        expect(catalogue.ERROR, text)
    elif not text.startswith('{\n  "$schema"') and (command := _command()) is not None:
        expect(command, text)
    builtins.print(text)


def _command() -> str | None:
    """The command that runs, as it is typed; None where none does."""
    names = ("typer._click.globals", "click.globals")  # Typer's own Click, or the one that older versions use
    words: list[str] = []
    module: Any = next(sys.modules[one] for one in names if one in sys.modules)
    context = module.get_current_context(silent=True)
    if context is None:  # a test of how things are printed
        return None
    while context.parent is not None:
        words.insert(0, context.info_name)
        context = context.parent
    return " ".join(words)


def _seen(prints: Callable[..., None], look: Callable[[str], None]) -> Callable[..., None]:
    def printing(*arguments: Any, **options: Any) -> None:
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            prints(*arguments, **options)
        look(text.getvalue())
        builtins.print(text.getvalue(), end="")

    return printing
