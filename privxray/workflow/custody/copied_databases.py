"""Copies of a workspace's databases that can go into a backup: without any key that would open a mask.

The copies are made and changed in memory, so nothing of them is ever on the disk.

Tested in tests/cli/test_backup.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from privxray.system.names import database_uri
from privxray.workspace.config import Role
from privxray.workspace.transitions import RoundState

_SCRUBBED = (
    "UPDATE round_key SET sealed = NULL",  # keys of one round: they open masks and shares
    "DELETE FROM agreed",  # opens the masks of later rounds, beside their mask keys
    "UPDATE round SET vector_key = NULL",  # opens a noisy result that has not left
    "DELETE FROM kept_vector",  # a result that may be exported once more
    "DELETE FROM asked",  # secrets of queries, and the names of their images
    "DELETE FROM offer",  # its counts go on; an offer that is made anew is bounded anew
    "DELETE FROM secret WHERE name LIKE 'audit %'",  # open the answers of audits on own patients
)
_OVER = {
    "hospital": {RoundState.EXPORTED},
    "trustee": {RoundState.ANSWERED},
    "coordinator": set[RoundState](),
}
"""The open rounds of which something has left: they end as closed, and all other open ones as void."""


def state_for_backup(path: Path, role: Role) -> bytes:
    """A copy of ``state.db`` in which no round is open and no private key or result of a round is left.

    What was trained on, counted, exported and compared stays. Rounds end here, because a copy does not know
    what became of them later: whoever exported, answered or asked twice would open what has to stay shut.
    """
    with closing(_in_memory(path)) as copy:
        for statement in _SCRUBBED:
            copy.execute(statement)
        for state in _OVER[role]:
            copy.execute("UPDATE round SET state = ? WHERE state = ?", (RoundState.CLOSED, state))
        copy.execute(
            "UPDATE round SET state = ? WHERE state NOT IN (?, ?)",
            (RoundState.VOID, RoundState.CLOSED, RoundState.VOID),
        )
        copy.commit()
        copy.execute("VACUUM")  # what was deleted is in no free page
        return copy.serialize()


def copy_of(path: Path) -> bytes:
    """The bytes of a database as it stands."""
    with closing(_in_memory(path)) as copy:
        return copy.serialize()


def _in_memory(path: Path) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(database_uri(path, "ro"), uri=True)) as source:
        source.backup(copy)
    return copy
