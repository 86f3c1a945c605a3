"""Where the result of a round lies, its model or its summary: kept in the workspace, and as it leaves.

Tested in tests/cli/test_tasks.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from pathlib import Path

from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.workspace.folder import Workspace
from privxray.workspace.state_tables.study_tables import Round


def kept_result(workspace: Workspace, round_: Round) -> Path:
    """The workspace's own copy of a round's model or summary."""
    place = workspace.summary_copy if round_.task in COUNTED else workspace.model_copy
    return place(round_.study, round_.number)


def result_path(workspace: Workspace, round_: Round) -> Path:
    """Where a coordinator's model or summary leaves from."""
    if round_.task in COUNTED:
        return workspace.root / f"round-{round_.number:04d}.summary"
    return workspace.models / f"global-{round_.number:04d}.model"
