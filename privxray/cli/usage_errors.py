"""What Typer refuses before a command runs, in one line: which option, what was typed, what is allowed.

Typer's errors are told apart by their classes' names and what they hold, because they are private to it and
move from one version to the next. An error that is not recognised here keeps Typer's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any

from privxray.errors import UsageError

_OF_PRIVXRAY = {"-C": "-C DIR", "--version": "--version"}
"""Options that stand before the command, as they are typed."""


def usage_error(error: Any) -> UsageError:
    """One of Typer's usage errors as one of ours.

    What was typed is repeated only if it can't be the name of a file, for files are called after patients.
    """
    command = error.ctx.command_path if getattr(error, "ctx", None) else "privxray COMMAND"
    what, advice = _recognised(error) or (error.format_message().rstrip("."), "")
    return UsageError(what, reason="usage", advice=advice or f"Type {command} --help for the options")


def _recognised(error: Any) -> tuple[str, str] | None:
    """A sentence and advice; None where this version of Typer has another error than those known here."""
    words = _WORDS.get(type(error).__name__)
    try:
        return None if words is None else words(error)
    except (AttributeError, LookupError, TypeError):
        return None


def _unknown_option(error: Any) -> tuple[str, str]:
    typed, command = error.option_name, error.ctx.command_path
    if typed in _OF_PRIVXRAY and error.ctx.parent is not None:
        inner = command.removeprefix("privxray ")
        return f"{typed} has its place before the command", f"Type: privxray {_OF_PRIVXRAY[typed]} {inner}"
    known = [option for parameter in error.ctx.command.params for option in parameter.opts]
    return f"{command} has no option {typed}", _did_you_mean(typed, known)


def _bad_option(error: Any) -> tuple[str, str]:
    if "not take a value" in error.message:
        return f"{error.option_name} takes no value", ""
    return f"{error.option_name} needs a value after it", ""


def _missing(error: Any) -> tuple[str, str]:
    parameter = error.param
    choices = parameter.type_descriptor.choices
    meaning = _or(choices) if choices else _uncapital(parameter.help or "").rstrip(".")
    return f"{_name(parameter)} is missing" + (f": {meaning}" if meaning else ""), ""


def _bad_value(error: Any) -> tuple[str, str] | None:
    fault = next(iter(getattr(error.__cause__, "errors", list)()), None)
    if fault is None:
        return None
    typed, described = str(fault["input"]), error.param.type_descriptor
    cannot_be = f"{_name(error.param)} can't be {_shown(typed)}"
    if described.choices:
        return f"{cannot_be}: it has to be {_or(described.choices)}", ""
    if fault["type"] in _KINDS:
        return f"{cannot_be}: it has to be a {_KINDS[fault['type']]}", _meant(typed)
    if fault["type"] in ("greater_than_equal", "less_than_equal"):
        return f"{cannot_be}: it has to be a number {_range(described.parameter_info)}", ""
    return None


def _other(error: Any) -> tuple[str, str] | None:
    """Errors of Typer's plain class, told apart by their messages."""
    if "No such command" in error.message:
        typed = re.match(r"No such command '(.*?)'", error.message)
        known = error.ctx.command.commands
        return "there is no such command", _did_you_mean(typed.group(1), known) if typed else ""
    if "unexpected extra argument" in error.message:
        taken = [_name(one) for one in error.ctx.command.params if one.param_type_name == "argument"]
        takes = f"takes {' and '.join(taken)} only" if taken else "takes nothing but options"
        return f"{error.ctx.command_path} {takes}, and more was typed", (
            "Put a name that has blanks into quotes" if taken else ""
        )
    return None


_WORDS: dict[str, Callable[[Any], tuple[str, str] | None]] = {
    "NoSuchOption": _unknown_option,
    "BadOptionUsage": _bad_option,
    "MissingParameter": _missing,
    "BadParameter": _bad_value,
    "UsageError": _other,
}
"""By the name of Typer's class: what makes a sentence and advice of its error, or None if it can't."""

_KINDS = {"float_parsing": "number", "int_parsing": "whole number"}


def _name(parameter: Any) -> str:
    """An option as it is typed, or an argument as the usage line has it."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return str(parameter.opts[0])


def _shown(typed: str) -> str:
    """What was typed in quotes, unless it looks like a file."""
    plain = re.fullmatch(r"[\w.,:;%+ -]{1,24}", typed) and not PurePath(typed).suffix[1:].isalpha()
    return f"'{typed}'" if plain else "what was typed"


def _meant(typed: str) -> str:
    """The number that somebody who writes a decimal comma has in mind."""
    number = typed.replace(",", ".")
    return f"Write {number}" if re.fullmatch(r"[0-9]+\.[0-9]+", number) and number != typed else ""


def _range(limits: Any) -> str:
    if limits.max is None:
        return f"from {limits.min} up"
    return f"from {limits.min} to {limits.max}" if limits.min is not None else f"up to {limits.max}"


def _did_you_mean(typed: str, known: Iterable[str]) -> str:
    near = get_close_matches(typed, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _or(choices: Iterable[object]) -> str:
    *some, last = map(str, choices)
    return f"{', '.join(some)} or {last}" if some else last


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:] if not text[1:2].isupper() else text
