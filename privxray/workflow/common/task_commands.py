"""What a hospital types for a plan's task, and what it has then done.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privxray.formats.header import TaskName

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
