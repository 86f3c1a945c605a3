"""The program with one command, ``status``: it starts in half the time, for no other command is loaded.

``privxray.__main__`` takes this one where ``status`` was typed. Tested in tests/cli/test_status.py.
"""

from __future__ import annotations

import sys

import typer

from privxray.cli.commands.status_command import status
from privxray.cli.root import new_app
from privxray.cli.running import run_command
from privxray.system import console


def main() -> None:
    """Run what was typed."""
    console.prepare()
    app = new_app()
    app.command("status")(status)
    sys.exit(run_command(typer.main.get_command(app).main, sys.argv[1:]))
