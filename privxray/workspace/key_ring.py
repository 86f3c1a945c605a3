"""Keys that serve one plan: made, bound to the plan that names them, and destroyed with its round.

A private half is encrypted under the identity's storage key, so opening it needs the passphrase. Once it is
used up it is NULL: it is deleted in the same transaction that fixes the bytes that it helped to make.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.formats.header import PlanHash
from privxray.keys.identity import Identity

SCHEMA = """
CREATE TABLE IF NOT EXISTS round_key (
    kind TEXT NOT NULL, number INTEGER NOT NULL, study TEXT, public TEXT NOT NULL UNIQUE,
    sealed BLOB, plan TEXT, PRIMARY KEY (kind, number)) STRICT;
"""


@dataclass(frozen=True)
class RoundKey:
    """``public`` is base64 as it travels; ``sealed`` the private half under the storage key, or None."""

    kind: str
    number: int
    study: str | None
    public: str
    sealed: bytes | None
    plan: PlanHash | None


class KeyRing:
    """The keys of one kind in a workspace's state: ``mask-key``, ``unsealing-key``, ``encapsulation-key``."""

    def __init__(self, db: sqlite3.Connection, kind: str) -> None:
        self._db = db
        self.kind = kind

    def all(self) -> list[RoundKey]:
        """All keys, used up or not, oldest first."""
        query = "SELECT * FROM round_key WHERE kind = ? ORDER BY number"
        return [RoundKey(**row) for row in self._db.execute(query, (self.kind,))]

    def next_number(self) -> int:
        """The number of the next key, from 1."""
        return max((key.number for key in self.all()), default=0) + 1

    def find(self, public: str) -> RoundKey | None:
        """The key with this public half."""
        return next((key for key in self.all() if key.public == public), None)

    def add(self, private: bytes, public: str, number: int, study: str | None, identity: Identity) -> None:
        """Keep a fresh key."""
        # The nonce is random: a counter would repeat after an old copy of the workspace is restored.
        nonce = os.urandom(12)
        sealed = nonce + self._cipher(identity).encrypt(nonce, private, None)
        self._db.execute(
            "INSERT INTO round_key VALUES (?, ?, ?, ?, ?, NULL)", (self.kind, number, study, public, sealed)
        )

    def open(self, public: str, identity: Identity) -> bytes:
        """The private half of the key with this public half.

        :raises RefusedError: it is used up.
        """
        key = self.find(public)
        if key is None or key.sealed is None:
            raise RefusedError(
                f"the {self._noun} of this round is used up",
                reason="key.used-up",
                advice=STATUS_SAYS,
            )
        return self._cipher(identity).decrypt(key.sealed[:12], key.sealed[12:], None)

    def bind(self, number: int, plan: PlanHash) -> None:
        """Bind a key to the one plan that it serves.

        :raises RefusedError: it is bound to another plan already, or is used up.
        """
        done = self._db.execute(
            "UPDATE round_key SET plan = ? "
            "WHERE kind = ? AND number = ? AND sealed IS NOT NULL AND (plan IS NULL OR plan = ?)",
            (plan, self.kind, number, plan),
        )
        if done.rowcount != 1:
            raise RefusedError(
                f"this plan names a key that another plan has used: the {self._noun} number {number}",
                reason="key.served-another-plan",
                advice="Make a fresh card (privxray card), send it to the coordinator and ask for a new plan",
            )

    def burn_plan(self, plan: PlanHash) -> None:
        """Destroy the private half of the key that serves this plan, if there is one."""
        self._db.execute("UPDATE round_key SET sealed = NULL WHERE kind = ? AND plan = ?", (self.kind, plan))

    @property
    def _noun(self) -> str:
        return self.kind.replace("-", " ")

    def _cipher(self, identity: Identity) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(identity.storage_key(f"{self.kind}s".replace("-", " ")))
