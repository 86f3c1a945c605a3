"""The entry point, of the script and of ``python -m``. Tested in tests/unit/test_process_memory.py."""

from __future__ import annotations

import gc
import os
import sys

from privxray.system.process_memory import keep_private


def main() -> None:
    """Make the process private before anything else is loaded, then run the command that was typed."""
    keep_private()
    if _asks_status(sys.argv[1:]) and "_PRIVXRAY_COMPLETE" not in os.environ:
        if not any(word.startswith("--watch") for word in sys.argv):
            gc.disable()  # what it would free while modules are loaded, a tenth of the time, the end frees
        from privxray.cli.status_alone import main as run_status

        run_status()
    from privxray.cli.app import main as run_command_line

    run_command_line()


def _asks_status(words: list[str]) -> bool:
    """Whether ``status`` was typed, with nothing before it but options of every command."""
    rest = iter(words)
    for word in rest:
        if word == "-C":
            next(rest, None)
        elif word not in ("--quiet", "--verbose"):
            return word == "status"
    return False


if __name__ == "__main__":
    main()
