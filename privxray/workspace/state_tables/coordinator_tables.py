"""The part of a workspace's state that a coordinator needs: which keys its plans used, and what it asked for.

Tested in tests/cli/test_many_rounds.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from privxray.formats.header import Fingerprint, PlanHash
from privxray.keys.statement import Statement
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS used_round_key (public TEXT PRIMARY KEY, round INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS request (plan TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS next_key (
    plan TEXT NOT NULL, party TEXT NOT NULL, kind TEXT NOT NULL, statement TEXT NOT NULL,
    PRIMARY KEY (plan, party, kind)) STRICT;
"""

_Stated = TypeVar("_Stated", bound=Statement)


class CoordinatorTables(Tables):
    """Methods over the tables above."""

    def used_round_keys(self) -> dict[str, int]:
        """Mask and unsealing keys that a plan of this coordinator named, with that plan's round."""
        return {row["public"]: row["round"] for row in self._all("SELECT * FROM used_round_key")}

    def use_round_keys(self, keys: Iterable[str], number: int) -> None:
        """Remember that the plan of a round names these keys."""
        self._db.executemany("INSERT INTO used_round_key VALUES (?, ?)", [(key, number) for key in keys])

    def request_of(self, plan: PlanHash) -> str | None:
        """The digest of the request that was signed under a plan. There is never a second one."""
        row = self._one("SELECT digest FROM request WHERE plan = ?", plan)
        return row["digest"] if row else None

    def record_request(self, plan: PlanHash, digest: str) -> None:
        """Fix the request of a plan."""
        self._db.execute("INSERT INTO request VALUES (?, ?)", (plan, digest))

    def keep_next_key(self, plan: PlanHash, party: Fingerprint, statement: Statement) -> None:
        """Keep the key that a party stated under a plan for the plan after it."""
        self._db.execute(
            "INSERT OR REPLACE INTO next_key VALUES (?, ?, ?, ?)",
            (plan, party, statement.KIND, statement.model_dump_json()),
        )

    def next_keys(self, plan: PlanHash, kind: type[_Stated]) -> dict[Fingerprint, _Stated]:
        """The statements of one kind that were kept under a plan, by party."""
        rows = self._all("SELECT * FROM next_key WHERE plan = ? AND kind = ?", plan, kind.KIND)
        return {row["party"]: kind.model_validate_json(row["statement"]) for row in rows}
