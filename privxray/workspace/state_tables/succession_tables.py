"""The part of a workspace's state that knows of coordinators who take another's place.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS vote (
    study TEXT NOT NULL, old TEXT NOT NULL, name TEXT NOT NULL, keys TEXT NOT NULL, file BLOB NOT NULL,
    PRIMARY KEY (study, old)) STRICT;
CREATE TABLE IF NOT EXISTS named_coordinator (
    study TEXT NOT NULL, old TEXT NOT NULL, name TEXT NOT NULL, keys TEXT NOT NULL, voters TEXT NOT NULL,
    digest TEXT NOT NULL, PRIMARY KEY (study, old)) STRICT;
"""


@dataclass(frozen=True)
class OwnVote:
    """A hospital's own vote for a candidate, and the bytes of its file."""

    name: str
    keys: PublicKeys
    file: bytes


@dataclass(frozen=True)
class NamedCoordinator:
    """A coordinator whom hospitals named: ``voters`` by name; ``digest`` is of the signed succession."""

    name: str
    keys: PublicKeys
    voters: tuple[str, ...]
    digest: str


class SuccessionTables(Tables):
    """Methods over the tables above. A file of an earlier version that is only looked at may lack them."""

    def own_vote(self, study: str, old: Fingerprint) -> OwnVote | None:
        """What this hospital voted for: whoever is to take the place of the coordinator ``old``."""
        if not self._has("vote"):
            return None
        row = self._one("SELECT * FROM vote WHERE study = ? AND old = ?", study, old)
        if row is None:
            return None
        return OwnVote(row["name"], PublicKeys.model_validate_json(row["keys"]), bytes(row["file"]))

    def record_vote(self, study: str, old: Fingerprint, vote: OwnVote) -> None:
        """Remember a vote, in place of an earlier one."""
        self._db.execute(
            "INSERT OR REPLACE INTO vote VALUES (?, ?, ?, ?, ?)",
            (study, old, vote.name, vote.keys.model_dump_json(), vote.file),
        )

    def named_coordinator(self, study: str, old: Fingerprint) -> NamedCoordinator | None:
        """Who was named in the place of the coordinator ``old``."""
        if not self._has("named_coordinator"):
            return None
        row = self._one("SELECT * FROM named_coordinator WHERE study = ? AND old = ?", study, old)
        if row is None:
            return None
        keys = PublicKeys.model_validate_json(row["keys"])
        return NamedCoordinator(row["name"], keys, tuple(json.loads(row["voters"])), row["digest"])

    def name_coordinator(self, study: str, old: Fingerprint, named: NamedCoordinator) -> None:
        """Remember, for good, who was named in the place of the coordinator ``old``."""
        self._db.execute(
            "INSERT INTO named_coordinator VALUES (?, ?, ?, ?, ?, ?)",
            (study, old, named.name, named.keys.model_dump_json(), json.dumps(named.voters), named.digest),
        )

    def _has(self, table: str) -> bool:
        return self._one("SELECT 1 FROM sqlite_master WHERE name = ?", table) is not None
