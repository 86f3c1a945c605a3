"""The entry point, of the script and of ``python -m``. Tested in tests/unit/test_process_memory.py."""

from __future__ import annotations

from privxray.system.process_memory import keep_private


def main() -> None:
    """Make the process private before anything else is loaded, then run the command that was typed."""
    keep_private()
    from privxray.cli.app import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
