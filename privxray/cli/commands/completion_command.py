"""``completion``: so that a shell completes what is typed. Tested in tests/cli/test_completion.py."""

from __future__ import annotations

import os
from typing import Annotated, Literal, TypeAlias

import typer

Shell: TypeAlias = Literal["bash", "zsh", "fish", "powershell"]

PROGRAM = "privxray"
VARIABLE = "_PRIVXRAY_COMPLETE"
"""A shell sets it when it asks for completions."""


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> None:
    """Print what makes a shell complete commands.

    For instance, in PowerShell: privxray completion powershell | Out-String | Invoke-Expression
    """
    from typer import completion as typers

    print(
        typers.get_completion_script(  # type: ignore[attr-defined]
            prog_name=PROGRAM, complete_var=VARIABLE, shell=shell
        )
    )


def answer_shells() -> None:
    """Let the commands answer a shell that asks, if one does."""
    if VARIABLE in os.environ:
        from typer import completion as typers

        typers.completion_init()  # type: ignore[attr-defined]
