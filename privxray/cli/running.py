"""Running one command line in this process.

Tested in every test that types a command (tests/cli).
"""

from __future__ import annotations

from collections.abc import Callable

UNEXPECTED = 1


def run_command(main: Callable[..., object], arguments: list[str]) -> int:
    """Run ``privxray ARGUMENTS`` and return its exit code.

    :param main: method ``main`` of the command with all its sub-commands; inside of one,
        ``typer.Context.find_root().command.main``.
    """
    try:
        main(args=arguments, prog_name="privxray", standalone_mode=True, obj=arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else UNEXPECTED
    return 0
