"""A command that works on files, and has steps that are typed as a second word, such as ``check terms``.

The first word after the command may be a file or a step. It is a step if it is called like one, unless what
follows says otherwise: :class:`CommandWithSteps` decides. Tested in tests/cli/test_check_shards.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from typer.core import TyperGroup

_COMMAND: Final[Any] = next(base for base in TyperGroup.__mro__ if base.__name__ == "Command")
"""What a group is besides a group; Typer has it from Click, or as its own."""


class CommandWithSteps(TyperGroup):
    """A group whose own function runs if no step is typed.

    A step is taken for a file where a file or folder of its name is here, unless one of the step's options
    follows that the command needs for it. ``./NAME`` is always a file.

    :cvar needs: for each step, the option without which it is never typed; empty for a step without one.
    """

    needs: ClassVar[Mapping[str, str]] = {"terms": "--key-file", "key": ""}
    allow_interspersed_args = True

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.subcommand_metavar = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words that were typed: a step's for the step, all others as a plain command does."""
        if args and self._is_step(args[0], args[1:]):
            ctx._protected_args, ctx.args = args[:1], args[1:]  # as the class above does
            return args[1:]
        parsed: list[str] = _COMMAND.parse_args(self, ctx, args)
        return parsed

    def invoke(self, ctx: Any) -> Any:
        """Run the step that was typed, or else this command."""
        if not ctx._protected_args:
            return _COMMAND.invoke(self, ctx)
        (name,) = ctx._protected_args
        # Not below this command, whose arguments the usage line of the step would list.
        step: Any = self.commands[name].make_context(f"{ctx.info_name} {name}", ctx.args, parent=ctx.parent)
        with step:
            return step.command.invoke(step)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the line of usage lists."""
        pieces: list[str] = _COMMAND.collect_usage_pieces(self, ctx)
        return pieces

    def _is_step(self, word: str, rest: list[str]) -> bool:
        if word not in self.commands:
            return False
        option = self.needs.get(word, "")
        typed = any(one == option or one.startswith(f"{option}=") for one in rest) if option else False
        return typed or "--help" in rest or "-h" in rest or not os.path.lexists(word)
