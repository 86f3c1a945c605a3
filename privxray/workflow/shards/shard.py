"""One of several shares of the work, as it is typed: ``3/64``. Tested in tests/unit/test_shards.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from privxray.errors import UsageError

MOST: Final = 1000
"""Most shards: as many as Slurm takes in an array by default."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of the work.

    :ivar number: from 1. :ivar total: how many shares there are.
    """

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def places(self, files: int) -> range:
        """The places, from 0, of its files among all: every ``total``-th, so shares differ by one at most."""
        return range(self.number - 1, files, self.total)


def read_shard(text: str) -> Shard:
    """A shard as it is typed.

    :raises UsageError: it is none.
    """
    typed = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text)
    if typed and int(typed[1]) <= int(typed[2]) <= MOST:
        return Shard(int(typed[1]), int(typed[2]))
    raise UsageError(
        f"a shard is typed as 3/64: the third of 64; there are at most {MOST}",
        reason="shard.not-one",
        file="--shard",
        advice="Count from 1",
    )
