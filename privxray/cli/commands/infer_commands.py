"""The group ``infer``: predictions without showing the image. Tested in tests/cli/test_infer.py."""

from __future__ import annotations

import typer

from privxray.cli.commands.infer import (
    answer_command,
    ask_command,
    distrust_command,
    offer_command,
    read_command,
)


def add_to(app: typer.Typer) -> None:
    """Register the commands of encrypted inference as one group."""
    group = typer.Typer(
        name="infer",
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Predictions on encrypted images.",
    )
    for command in (
        offer_command.offer,
        ask_command.ask,
        answer_command.answer,
        read_command.read,
        distrust_command.distrust,
    ):
        group.command()(command)
    app.add_typer(group)
