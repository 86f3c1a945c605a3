"""The part of a hospital's state that hybrid masks need: what it has agreed on with the other hospitals.

A row has the secrets of one round with all peers, sealed under the passphrase. Rows of several rounds to come
lie here, because the secrets of a round have to go when the round is over, and that may be when no passphrase
is at hand; they can be made from those of an earlier round only
(:mod:`privxray.exchange.masking.agreed_secrets`).

Tested in tests/cli/test_hybrid_masks.py.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from privxray.formats.header import Fingerprint
from privxray.workspace.state_tables.tables import Tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS agreed (
    study TEXT NOT NULL, round INTEGER NOT NULL, peers TEXT NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (study, round)) STRICT;
"""


@dataclass(frozen=True, repr=False)
class SealedSecrets:
    """The secrets of one round with ``peers``, in their order, sealed under the passphrase."""

    round: int
    peers: tuple[Fingerprint, ...]
    sealed: bytes


class AgreedTables(Tables):
    """Methods over the table above."""

    def agreed(self, study: str) -> list[SealedSecrets]:
        """What is kept for a study, the earliest round first."""
        rows = self._all("SELECT * FROM agreed WHERE study = ? ORDER BY round", study)
        return [SealedSecrets(row["round"], tuple(json.loads(row["peers"])), row["sealed"]) for row in rows]

    def replace_agreed(self, study: str, rows: Collection[SealedSecrets]) -> None:
        """Destroy what is kept for a study, and keep these in its place."""
        self._db.execute("DELETE FROM agreed WHERE study = ?", (study,))
        self._db.executemany(
            "INSERT INTO agreed VALUES (?, ?, ?, ?)",
            [(study, row.round, json.dumps(row.peers), row.sealed) for row in rows],
        )

    def end_agreed_before(self, study: str, round_: int) -> None:
        """Destroy the secrets of rounds before this one; the last of all stays, for later ones come of it."""
        self._db.execute(
            "DELETE FROM agreed WHERE study = ? AND round < ? "
            "AND round < (SELECT max(round) FROM agreed WHERE study = ?)",
            (study, round_, study),
        )
