"""What a shard is told, and what it tells. Tested in tests/unit/test_shards.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.workflow.shards.job_key import JobKey
from privxray.workflow.shards.shard import Shard


@dataclass(frozen=True, slots=True)
class ShardWork:
    """What a shard is told: which, under which key, and where to write.

    :ivar jobs: worker processes. :ivar force: replace a file that is there.
    """

    shard: Shard
    key: JobKey
    out: Path
    jobs: int = 1
    force: bool = False


@dataclass(frozen=True, slots=True)
class ShardDone:
    """What a shard has done.

    :ivar files: of this shard. :ivar of: of all shards.
    :ivar before: the part was there already, and nothing was done.
    """

    files: int
    of: int
    before: bool
