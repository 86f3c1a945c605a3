"""Running one command line in this process.

Tested in every test that types a command (tests/cli).
"""

from __future__ import annotations

from collections.abc import Callable

from privxray.cli.output import quiet, verbose

UNEXPECTED = 1
ANYWHERE = {"--quiet": quiet, "--verbose": verbose}
"""Options of every command, at any place of the line, and what they set."""


def run_command(main: Callable[..., object], arguments: list[str]) -> int:
    """Run ``privxray ARGUMENTS`` and return its exit code.

    :param main: method ``main`` of the command with all its sub-commands; inside of one,
        ``typer.Context.find_root().command.main``.
    """
    options, separator, rest = _before_separator(arguments)
    tokens = {held: held.set(option in options) for option, held in ANYWHERE.items()}
    arguments = [*(word for word in options if word not in ANYWHERE), *separator, *rest]
    try:
        main(args=arguments, prog_name="privxray", standalone_mode=True, obj=arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else UNEXPECTED
    finally:
        for held, token in tokens.items():
            held.reset(token)
    return 0


def _before_separator(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """What stands before ``--``, that itself, and what follows it and is no option."""
    place = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:place], arguments[place : place + 1], arguments[place + 1 :]
