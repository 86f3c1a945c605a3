"""Each shell gets a script, and an answer when it asks what may follow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from played_study import HOSPITALS, At, typed

from privxray.cli.options.known_names import files_for


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


def asked(line: str, word: str, shell: str = "powershell", folder: Path | None = None) -> list[str]:
    told = {
        "_PRIVXRAY_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": word,
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-m", "privxray"],
        env=os.environ | told,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return [found.partition(":::")[0] for found in done.stdout.split("\n") if found]


def test_powershell_completes_commands_and_options() -> None:
    assert "train" in asked("privxray tr", "tr")
    assert "--epsilon" in asked("privxray train --eps", "--eps")


@pytest.mark.parametrize("shell", ["powershell", "bash", "zsh", "fish"])
def test_names_of_studies_and_hospitals_are_completed(at: At, shell: str) -> None:
    world = at("joined")
    found = asked("privxray train --study pn", "pn", shell, world["hospital-a"])
    assert any("pneumonia" in one for one in found), found
    left_out = asked("privxray aggregate --without hosp", "hosp", shell, world["coordinator"])
    assert all(any(name in one for one in left_out) for name in HOSPITALS)


def test_words_of_help_are_completed_and_outside_of_a_workspace_no_study_is(tmp_path: Path) -> None:
    assert "budget.exceeded" in asked("privxray help budget.ex", "budget.ex", folder=tmp_path)
    assert asked("privxray train --study pn", "pn", folder=tmp_path) == []


def test_files_that_came_are_completed_by_what_a_command_takes(tmp_path: Path) -> None:
    (tmp_path / "privxray.yaml").write_text("role: hospital\nname: a\n")
    (tmp_path / "incoming").mkdir(mode=0o700)
    for name in ("plan-0002.plan", "global-0001.model", "notes.txt"):
        (tmp_path / "incoming" / name).touch()
    (tmp_path / "plan-0001.plan").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert files_for("join")("") == ["plan-0001.plan", "incoming/plan-0002.plan"]
        assert files_for("join")("inc") == ["incoming/plan-0002.plan"]
        assert files_for("accept")("incoming/") == ["incoming/global-0001.model", "incoming/plan-0002.plan"]
        assert files_for("unmask")("") == []
        patch.chdir(tmp_path / "incoming")
        assert files_for("join")("") == ["plan-0002.plan"]
    assert asked("privxray join ", "", folder=tmp_path) == ["plan-0001.plan", "incoming/plan-0002.plan"]
