"""Each shell gets a script, and an answer when it asks what may follow."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from played_study import typed


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "complete -o default -F _privxray_completion privxray"),
        ("zsh", "compdef _privxray_completion privxray"),
        ("fish", "complete --command privxray"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName privxray"),
    ],
)
def test_each_shell_has_a_script(shell: str, line: str) -> None:
    told = typed(["completion", shell])
    assert told.code == 0
    assert line in told.out
    assert "_PRIVXRAY_COMPLETE" in told.out


def test_another_shell_is_refused() -> None:
    assert typed(["completion", "cmd"]).code == 2


def asked(line: str, word: str, shell: str = "powershell") -> list[str]:
    told = {
        "_PRIVXRAY_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": word,
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split())),
    }
    done = subprocess.run(
        [sys.executable, "-m", "privxray"], env=os.environ | told, capture_output=True, text=True, check=False
    )
    return [found.partition(":::")[0] for found in done.stdout.split("\n") if found]


def test_powershell_completes_commands_and_options() -> None:
    assert "train" in asked("privxray tr", "tr")
    assert "--epsilon" in asked("privxray train --eps", "--eps")
