"""What a workspace remembers between commands, in one SQLite file.

The privacy budget is not here: it has a ledger of its own. Nothing of a patient is here either.

How the state of a round changes is written in :mod:`privxray.workspace.transitions`.

SQLite runs with synchronous=EXTRA: a transaction is committed by deleting its journal, and FULL leaves that
deletion to the folder's next fsync, so a power cut could bring the journal back and roll back an answer that
has left. With secure_delete=ON what is deleted is overwritten in the file. A copy that the disk or a backup
made is beyond reach; docs/THREATS.md says what that leaves.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError
from privxray.formats.header import Fingerprint, PlanHash
from privxray.workspace import inference_state, transitions
from privxray.workspace.folder import Role
from privxray.workspace.key_ring import SCHEMA, KeyRing
from privxray.workspace.transitions import Event, RoundState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS study (
    name TEXT PRIMARY KEY, coordinator TEXT NOT NULL,
    roster_version INTEGER NOT NULL, roster_digest TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS round (
    study TEXT NOT NULL, number INTEGER NOT NULL, plan TEXT NOT NULL, stage INTEGER NOT NULL,
    state TEXT NOT NULL, trained_in INTEGER NOT NULL,
    epsilon REAL, noise REAL, vector_key BLOB, update_sha256 TEXT, model TEXT,
    PRIMARY KEY (study, number)) STRICT;
CREATE TABLE IF NOT EXISTS saved_release (
    study TEXT NOT NULL, number INTEGER NOT NULL, count INTEGER NOT NULL, lost INTEGER NOT NULL,
    PRIMARY KEY (study, number)) STRICT;
CREATE TABLE IF NOT EXISTS used_round_key (public TEXT PRIMARY KEY, round INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS request (plan TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS next_key (
    plan TEXT NOT NULL, party TEXT NOT NULL, kind TEXT NOT NULL, statement TEXT NOT NULL,
    PRIMARY KEY (plan, party, kind)) STRICT;
CREATE TABLE IF NOT EXISTS answer (
    plan TEXT PRIMARY KEY, request TEXT NOT NULL, share_sha256 TEXT NOT NULL,
    survivors TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class Round:
    """One round as this workspace sees it.

    ``plan`` and ``model`` are digests of signed payloads in hex, ``update_sha256`` of the exported file.
    ``vector_key`` encrypts what training made and is gone once the round is exported. ``epsilon`` is what
    this hospital chose for the whole study, ``noise`` the noise scale that it came to. ``trained_in`` is the
    round whose training this one uses: its own, or that of a round given up before its result was exported.
    """

    study: str
    number: int
    plan: PlanHash
    stage: int
    state: RoundState
    trained_in: int
    epsilon: float | None
    noise: float | None
    vector_key: bytes | None
    update_sha256: str | None
    model: str | None


class State(inference_state.InferenceTables):
    """An open ``state.db``. Use as a context manager; write inside :meth:`transaction`.

    :param read_only: for looking only: nothing is made, and a write that was cut off is not taken back.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if not path.exists() and not read_only:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            place = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
            self._db = sqlite3.connect(place, uri=True, isolation_level=None, timeout=10)
            self._db.row_factory = sqlite3.Row
            if not read_only:
                self._db.execute("PRAGMA synchronous = EXTRA")
                self._db.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's cache as well
                self._db.execute("PRAGMA secure_delete = ON")
                self._db.executescript(_SCHEMA + SCHEMA + inference_state.SCHEMA)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise
            raise MalformedError(
                "the workspace's state is damaged", file=path, advice="Restore a backup"
            ) from None
        self.mask_keys = KeyRing(self._db, "mask-key")
        self.unsealing_keys = KeyRing(self._db, "unsealing-key")

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's writes, durable at its end, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def in_use(self) -> bool:
        """Whether anything was ever made in this workspace."""
        return self._one("SELECT 1 FROM round_key UNION ALL SELECT 1 FROM round") is not None

    # Settings

    def setting(self, name: str) -> str | None:
        """A choice that was stored, as text; None where there is none."""
        row = self._one("SELECT value FROM setting WHERE name = ?", name)
        return None if row is None else str(row["value"])

    def set_setting(self, name: str, value: str) -> None:
        """Store a choice in place of an earlier one."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    # Secrets

    def secret(self, name: str) -> bytes:
        """A 32-byte secret of this workspace, made on first use."""
        self._db.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (name, os.urandom(32)))
        value = self._one("SELECT value FROM secret WHERE name = ?", name)
        assert value is not None
        return bytes(value["value"])

    # Studies

    def study(self, name: str) -> sqlite3.Row | None:
        """The study's coordinator keys (JSON) and the roster whose key words were compared."""
        return self._one("SELECT * FROM study WHERE name = ?", name)

    def studies(self) -> list[str]:
        """The names of all studies."""
        return [row["name"] for row in self._db.execute("SELECT name FROM study ORDER BY name")]

    def trust_study(self, name: str, coordinator: str, roster_version: int, roster_digest: str) -> None:
        """Remember a coordinator and a roster whose key words were confirmed."""
        self._db.execute(
            "INSERT INTO study VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "roster_version = excluded.roster_version, roster_digest = excluded.roster_digest",
            (name, coordinator, roster_version, roster_digest),
        )

    # Rounds

    def begin_round(
        self, role: Role, event: Event, *, study: str, number: int, plan: PlanHash, stage: int
    ) -> None:
        """Begin a round; its first state is what the table of ``role`` says of ``event``."""
        first = transitions.after(role, None, event)
        self._db.execute(
            "INSERT INTO round (study, number, plan, stage, state, trained_in) VALUES (?, ?, ?, ?, ?, ?)",
            (study, number, plan, stage, first, number),
        )

    def change_round(
        self, role: Role, round_: Round, event: Event, **fields: str | float | bytes | None
    ) -> None:
        """Change a round's state as the table of ``role`` says, and set further fields of it.

        What counts is the state that the round has now, whatever ``round_`` remembers.

        :raises PrivxrayError: the table does not have this event for that state; nothing is changed.
        """
        row = self._one("SELECT state FROM round WHERE study = ? AND number = ?", round_.study, round_.number)
        before = None if row is None else RoundState(row["state"])
        after = transitions.after(role, before, event)
        self._set(round_.study, round_.number, {**fields, "state": after})

    def rounds(self, study: str | None = None) -> list[Round]:
        """All rounds of a study, or of all studies, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM round WHERE ? IS NULL OR study = ? ORDER BY study, number", (study, study)
        )
        return [Round(**{**row, "state": RoundState(row["state"])}) for row in rows]

    def last_round(self, study: str) -> Round | None:
        """The newest round of a study."""
        rounds = self.rounds(study)
        return rounds[-1] if rounds else None

    def set_training(self, study: str, number: int, **fields: float | bytes | None) -> None:
        """Set what a training is made with: ``epsilon``, ``noise``, ``vector_key``, ``trained_in``."""
        if not fields.keys() <= {"epsilon", "noise", "vector_key", "trained_in"}:
            raise ValueError("no field of a training")
        self._set(study, number, fields)

    def _set(self, study: str, number: int, fields: Mapping[str, str | float | bytes | None]) -> None:
        if not fields.keys() <= Round.__dataclass_fields__.keys():
            raise ValueError("no such field of a round")
        names = ", ".join(f"{name} = ?" for name in fields)
        query = f"UPDATE round SET {names} WHERE study = ? AND number = ?"  # noqa: S608 - names checked above
        self._db.execute(query, (*fields.values(), study, number))

    def saved_releases(self, study: str, number: int) -> int:
        """How many noisy answers the training of a round has saved."""
        row = self._one("SELECT count FROM saved_release WHERE study = ? AND number = ?", study, number)
        return row["count"] if row else 0

    def runs_with_releases(self) -> set[tuple[str, int]]:
        """The study and the number of every run that has saved a noisy answer."""
        return {(row["study"], row["number"]) for row in self._db.execute("SELECT * FROM saved_release")}

    def remember_saved_releases(self, study: str, number: int, count: int) -> None:
        """Note that the training of a round has saved so many; durable when this returns."""
        self._db.execute("INSERT OR REPLACE INTO saved_release VALUES (?, ?, ?, 0)", (study, number, count))

    def note_lost_release(self, study: str, number: int) -> None:
        """Note that a saved answer of this training is gone."""
        self._db.execute("UPDATE saved_release SET lost = 1 WHERE study = ? AND number = ?", (study, number))

    def lost_release(self, study: str, number: int) -> bool:
        """Whether a saved answer of this training was found gone, and no further one was saved since."""
        row = self._one("SELECT lost FROM saved_release WHERE study = ? AND number = ?", study, number)
        return bool(row and row["lost"])

    # A coordinator's memory

    def used_round_keys(self) -> dict[str, int]:
        """Mask and unsealing keys that a plan of this coordinator named, with that plan's round."""
        return {row["public"]: row["round"] for row in self._db.execute("SELECT * FROM used_round_key")}

    def use_round_keys(self, keys: list[str], number: int) -> None:
        """Remember that the plan of a round names these keys."""
        self._db.executemany("INSERT INTO used_round_key VALUES (?, ?)", [(key, number) for key in keys])

    def request_of(self, plan: str) -> str | None:
        """The digest of the request that was signed under a plan; there is never a second one."""
        row = self._one("SELECT digest FROM request WHERE plan = ?", plan)
        return row["digest"] if row else None

    def record_request(self, plan: str, digest: str) -> None:
        """Fix the request of a plan."""
        self._db.execute("INSERT INTO request VALUES (?, ?)", (plan, digest))

    def keep_next_key(self, plan: str, party: str, kind: str, statement: str) -> None:
        """Keep the key (a statement as JSON) that a party stated under a plan for the one after it."""
        self._db.execute(
            "INSERT OR REPLACE INTO next_key VALUES (?, ?, ?, ?)", (plan, party, kind, statement)
        )

    def next_keys(self, plan: PlanHash, kind: str) -> dict[Fingerprint, str]:
        """The statements of one kind that were kept under a plan, by party."""
        rows = self._db.execute("SELECT * FROM next_key WHERE plan = ? AND kind = ?", (plan, kind))
        return {row["party"]: row["statement"] for row in rows}

    # A keyholder's memory

    def answer_of(self, plan: str) -> tuple[str, str] | None:
        """The digest of the request that was answered under a plan, and the SHA-256 of the answer's file."""
        row = self._one("SELECT * FROM answer WHERE plan = ?", plan)
        return (row["request"], row["share_sha256"]) if row else None

    def survivors_of(self, plan: PlanHash) -> set[Fingerprint]:
        """The fingerprints of the hospitals whose sum was helped to open under a plan; empty if none was."""
        row = self._one("SELECT survivors FROM answer WHERE plan = ?", plan)
        return {Fingerprint(one) for one in row["survivors"].split()} if row else set()

    def record_answer(self, plan: str, request: str, share_sha256: str, survivors: Iterable[str]) -> None:
        """Fix the answer of a plan; it comes before the answer leaves."""
        values = (plan, request, share_sha256, " ".join(survivors))
        self._db.execute("INSERT INTO answer VALUES (?, ?, ?, ?)", values)

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        with closing(self._db.execute(query, values)) as cursor:
            row: sqlite3.Row | None = cursor.fetchone()
            return row
