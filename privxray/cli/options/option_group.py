"""Options that several commands take, written once. Tested by those commands, in tests/cli."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import wraps
from typing import Any, get_type_hints

Command = Callable[..., None]
KEYWORD = inspect.Parameter.KEYWORD_ONLY


def takes(parameter: str, group: type[Any]) -> Callable[[Command], Command]:
    """Give a command all options of a group in the place of one parameter.

    :param parameter: the command's name for the group; it is given an object of it.
    :param group: a dataclass. Each field is an option: ``Annotated`` with a ``typer.Option``, and a default.
    """
    hints = get_type_hints(group, include_extras=True)
    options = [
        inspect.Parameter(field.name, KEYWORD, annotation=hints[field.name], default=field.default)
        for field in fields(group)
    ]

    def decorate(command: Command) -> Command:
        return with_options(command, parameter, options, lambda values: group(**values))

    return decorate


def with_options(
    command: Command,
    parameter: str,
    options: Iterable[inspect.Parameter],
    make: Callable[[Mapping[str, Any]], object],
) -> Command:
    """The command with options in the place of one parameter, which is given what ``make`` makes of them.

    :param options: keyword-only, with annotations that Typer reads.
    :param make: what was typed, by the options' names, as one value.
    """
    added = list(options)

    @wraps(command)
    def called(**arguments: Any) -> None:
        values = {option.name: arguments.pop(option.name) for option in added}
        command(**arguments, **{parameter: make(values)})

    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for name, own in inspect.signature(command).parameters.items():
        if name == parameter:
            parameters.extend(added)
        else:
            parameters.append(own.replace(annotation=hints[name], kind=KEYWORD))
    # Typer reads both.
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called
