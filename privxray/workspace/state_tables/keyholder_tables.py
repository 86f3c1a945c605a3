"""The part of a workspace's state that a keyholder needs: what it answered, once a round, or never will.

Tested in tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from privxray.formats.header import Digest, Fingerprint, PlanHash
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    plan TEXT PRIMARY KEY, request TEXT NOT NULL, share_sha256 TEXT NOT NULL,
    survivors TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS refusal (plan TEXT PRIMARY KEY, sha256 TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class GivenAnswer:
    """An answer to a request.

    :param request: digest of the request, in hex.
    :param share_sha256: of the answer's file, in hex.
    """

    request: Digest
    share_sha256: str


class KeyholderTables(Tables):
    """Methods over the tables above."""

    def answer_of(self, plan: PlanHash) -> GivenAnswer | None:
        """What was answered under a plan; None where nothing was yet."""
        row = self._one("SELECT * FROM answer WHERE plan = ?", plan)
        return GivenAnswer(row["request"], row["share_sha256"]) if row else None

    def survivors_of(self, plan: PlanHash) -> set[Fingerprint]:
        """The hospitals whose sum this keyholder helped to open under a plan; empty if there was none."""
        row = self._one("SELECT survivors FROM answer WHERE plan = ?", plan)
        return {Fingerprint(one) for one in row["survivors"].split()} if row else set()

    def record_answer(self, plan: PlanHash, given: GivenAnswer, survivors: Iterable[Fingerprint]) -> None:
        """Fix the answer of a plan. Call it before the answer leaves; there can't be a second one."""
        values = (plan, given.request, given.share_sha256, " ".join(survivors))
        self._db.execute("INSERT INTO answer VALUES (?, ?, ?, ?)", values)

    def refusal_of(self, plan: PlanHash) -> str | None:
        """The SHA-256 of this keyholder's refusal of a plan's round, in hex; None where it refused nothing.

        A state of an earlier version that is only looked at has none.
        """
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'refusal'") is None:
            return None
        row = self._one("SELECT sha256 FROM refusal WHERE plan = ?", plan)
        return str(row["sha256"]) if row else None

    def record_refusal(self, plan: PlanHash, sha256: str) -> None:
        """Fix that nothing is answered under a plan, now or ever. Call it before the refusal leaves."""
        self._db.execute("INSERT INTO refusal VALUES (?, ?)", (plan, sha256))
