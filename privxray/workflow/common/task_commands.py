"""What a hospital types for a plan's task, and what it has then done.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.formats.header import TaskName
from privxray.workspace.state_tables.study_tables import Round

COMMANDS: Final[Mapping[TaskName, str]] = {
    "train": "train",
    "describe": "describe --contribute",
    "evaluate": "evaluate --contribute",
    "agree": "join FILE",
}
DONE: Final[Mapping[TaskName, str]] = {
    "train": "trained",
    "describe": "described",
    "evaluate": "evaluated",
    "agree": "agreed on",
}


def agreed_only(round_: Round) -> RefusedError:
    """The refusal to train or export under a plan that agrees on secrets for the masks."""
    return RefusedError(
        f"the plan of round {round_.number} agrees on secrets for the masks, and nothing is trained under it",
        reason="round.agreed",
        advice=STATUS_SAYS,
    )
