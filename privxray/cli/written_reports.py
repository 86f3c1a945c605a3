"""What a command says of a page that it wrote. Tested in tests/cli/test_report.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.current_workspace import seen_from_here
from privxray.errors import PrivxrayError
from privxray.steps import step

if TYPE_CHECKING:
    from pathlib import Path

    from privxray.workspace.folder import Workspace


def report_line(path: Path) -> str:
    """Where the page of a training is, and that it stays."""
    return f"The report of the training is {seen_from_here(path)}. It stays inside the hospital."


def report_after_training(workspace: Workspace, study: str | None) -> str:
    """Write the page of a training that is done, and say where it is. What stops it stops nothing else."""
    from privxray.workflow.hospital.reporting.training_report import write_training_report

    try:
        with step("Computing features") as bar:
            done = write_training_report(workspace, study=study, progress=bar)
    except PrivxrayError as error:
        return f"Note: the training is done, but its report was not written. {error}"
    return report_line(done.path)
