"""What a check of ``doctor`` found.

Tested in tests/cli/test_doctor.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "notice", "error"]


@dataclass(frozen=True)
class Diagnosis:
    """The outcome of a check.

    :param what: what was found. It names no patient and no file that a person named.
    :param advice: what to do about it; empty where all is well.
    """

    check: str
    level: Level
    what: str
    advice: str = ""


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 plan``, ``2 plans``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
