"""The part of a workspace's state that every party of a study needs: studies, rounds and trainings.

Tested in tests/unit/test_workspace_transitions.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from privxray.errors import MalformedError
from privxray.formats.header import PlanHash, TaskName
from privxray.keys.identity import PublicKeys
from privxray.steps import note
from privxray.workspace import transitions
from privxray.workspace.config import Role
from privxray.workspace.state_tables.tables import Tables
from privxray.workspace.transitions import Event, RoundState

SCHEMA = """
CREATE TABLE IF NOT EXISTS study (
    name TEXT PRIMARY KEY, coordinator TEXT NOT NULL,
    roster_version INTEGER NOT NULL, roster_digest TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS round (
    study TEXT NOT NULL, number INTEGER NOT NULL, plan TEXT NOT NULL, stage INTEGER NOT NULL,
    state TEXT NOT NULL, trained_in INTEGER NOT NULL,
    epsilon REAL, noise REAL, vector_key BLOB, update_sha256 TEXT, model TEXT,
    PRIMARY KEY (study, number)) STRICT;
CREATE TABLE IF NOT EXISTS round_task (
    study TEXT NOT NULL, number INTEGER NOT NULL, task TEXT NOT NULL, entry INTEGER NOT NULL, summary TEXT,
    PRIMARY KEY (study, number)) STRICT;
CREATE TABLE IF NOT EXISTS kept_vector (
    study TEXT NOT NULL, number INTEGER NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (study, number)) STRICT;
CREATE TABLE IF NOT EXISTS saved_release (
    study TEXT NOT NULL, number INTEGER NOT NULL, count INTEGER NOT NULL, lost INTEGER NOT NULL,
    PRIMARY KEY (study, number)) STRICT;
"""

_Value = str | float | bytes | None


@dataclass(frozen=True)
class KnownStudy:
    """A study whose key words were compared.

    :param coordinator: whose signature its plans and models must have.
    :param roster_version: of the roster that the words were for.
    :param roster_digest: of that roster, in hex.
    """

    name: str
    coordinator: PublicKeys
    roster_version: int
    roster_digest: str


@dataclass(frozen=True)
class Round:
    """One round as this workspace sees it.

    :param number: counts the plans of a study from 1.
    :param plan: digest of the signed plan.
    :param stage: the training round that this is, from 1.
    :param trained_in: the round whose training this one uses: its own, or that of a round given up before its
        result was exported.
    :param epsilon: what this hospital chose for the whole study.
    :param noise: the noise scale that this came to.
    :param vector_key: encrypts what training made; gone once the round is exported. A sealed copy may be kept
        then, see :meth:`StudyTables.keep_vector`.
    :param update_sha256: of the exported file, in hex.
    :param model: digest of the round's signed model, in hex.
    :param task: what its plan is for.
    :param entry: the number of that task in the study's schedule, from 0.
    :param summary: digest of the round's signed summary, in hex, where its task gives one.
    """

    study: str
    number: int
    plan: PlanHash
    stage: int
    state: RoundState
    trained_in: int
    epsilon: float | None = None
    noise: float | None = None
    vector_key: bytes | None = None
    update_sha256: str | None = None
    model: str | None = None
    task: TaskName = "train"
    entry: int = 0
    summary: str | None = None

    @property
    def has_begun_study(self) -> bool:
        """Whether the study begins, or begins anew, with this round."""
        return (self.entry, self.stage) == (0, 1)

    @property
    def result(self) -> str | None:
        """The digest of the round's signed model or summary, in hex, once there is one."""
        return self.model or self.summary

    @property
    def lacks_result(self) -> bool:
        """Whether a model or a summary of the round is still to come; a round that only agrees has none."""
        return self.result is None and self.task != "agree"


_OF_TASK = ("task", "entry", "summary")
_FIELDS = frozenset(field.name for field in fields(Round)) - frozenset(_OF_TASK)
_TRAINING = frozenset({"epsilon", "noise", "vector_key", "trained_in"})


class StudyTables(Tables):
    """Methods over the tables above."""

    # Studies

    def study(self, name: str) -> KnownStudy | None:
        """What was confirmed about a study by its key words; None where nothing was."""
        row = self._one("SELECT * FROM study WHERE name = ?", name)
        if row is None:
            return None
        keys = PublicKeys.model_validate_json(row["coordinator"])
        return KnownStudy(name, keys, row["roster_version"], row["roster_digest"])

    def studies(self) -> list[str]:
        """The names of all studies."""
        return [row["name"] for row in self._all("SELECT name FROM study ORDER BY name")]

    def trust_study(self, study: KnownStudy) -> None:
        """Remember a study whose key words were compared, or what they were compared for last."""
        self._db.execute(
            "INSERT OR REPLACE INTO study VALUES (?, ?, ?, ?)",
            (study.name, study.coordinator.model_dump_json(), study.roster_version, study.roster_digest),
        )

    # Rounds

    def rounds(self, study: str | None = None) -> list[Round]:
        """All rounds of a study, or of all studies, oldest first."""
        query = "SELECT * FROM round WHERE ? IS NULL OR study = ? ORDER BY study, number"
        tasks = self._tasks()
        return [
            Round(**{**row, "state": _state(row["state"]), **tasks.get((row["study"], row["number"]), {})})
            for row in self._all(query, study, study)
        ]

    def note_task(self, study: str, number: int, task: TaskName, entry: int) -> None:
        """Note what the plan of a round is for, in a study with a schedule."""
        self._db.execute("INSERT INTO round_task VALUES (?, ?, ?, ?, NULL)", (study, number, task, entry))

    def set_summary(self, study: str, number: int, digest: str) -> None:
        """Note the digest of a round's summary; in the transaction that closes the round."""
        query = "UPDATE round_task SET summary = ? WHERE study = ? AND number = ?"
        self._db.execute(query, (digest, study, number))

    def _tasks(self) -> dict[tuple[str, int], dict[str, Any]]:
        """What is noted of tasks, by round. A file of an earlier version that is only looked at lacks it."""
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'round_task'") is None:
            return {}
        rows = self._all("SELECT * FROM round_task")
        return {(row["study"], row["number"]): {name: row[name] for name in _OF_TASK} for row in rows}

    def last_round(self, study: str) -> Round | None:
        """The newest round of a study."""
        rounds = self.rounds(study)
        return rounds[-1] if rounds else None

    def begin_round(
        self, role: Role, event: Event, *, study: str, number: int, plan: PlanHash, stage: int
    ) -> None:
        """Begin a round; its first state is what the table of ``role`` says of ``event``."""
        first = transitions.after(role, None, event)
        self._db.execute(
            "INSERT INTO round (study, number, plan, stage, state, trained_in) VALUES (?, ?, ?, ?, ?, ?)",
            (study, number, plan, stage, first, number),
        )

    def change_round(self, role: Role, round_: Round, event: Event, **values: _Value) -> None:
        """Change a round's state as the table of ``role`` says, and set further fields of it.

        What counts is the state that the round has now, whatever ``round_`` remembers.

        :raises PrivxrayError: the table does not have this event for that state; nothing is changed.
        """
        row = self._one("SELECT state FROM round WHERE study = ? AND number = ?", round_.study, round_.number)
        before = None if row is None else _state(row["state"])
        after = transitions.after(role, before, event)
        self._set(round_.study, round_.number, {**values, "state": after})
        note(f"round {round_.number}: {before} -> {after}")

    def set_model(self, study: str, number: int, model: str) -> None:
        """Set the digest of the model of a round that was taken over."""
        self._set(study, number, {"model": model})

    # Trainings

    def set_training(self, study: str, number: int, **values: float | bytes | None) -> None:
        """Set what a training is made with: ``epsilon``, ``noise``, ``vector_key``, ``trained_in``."""
        if not values.keys() <= _TRAINING:
            raise ValueError("no field of a training")
        self._set(study, number, values)

    def keep_vector(self, study: str, number: int, sealed: bytes) -> None:
        """Keep the key of the vector that the training of a round made, sealed under the passphrase."""
        self._db.execute("INSERT OR REPLACE INTO kept_vector VALUES (?, ?, ?)", (study, number, sealed))

    def kept_vector(self, study: str, number: int) -> bytes | None:
        """The sealed key of a round's vector; None where none is kept."""
        row = self._one("SELECT sealed FROM kept_vector WHERE study = ? AND number = ?", study, number)
        return None if row is None else bytes(row["sealed"])

    def kept_vectors(self) -> set[tuple[str, int]]:
        """The study and the training round of each vector that is kept."""
        return {(row["study"], row["number"]) for row in self._all("SELECT * FROM kept_vector")}

    def forget_vectors(self, study: str) -> None:
        """Destroy the keys of all vectors that are kept for a study."""
        self._db.execute("DELETE FROM kept_vector WHERE study = ?", (study,))

    def saved_releases(self, study: str, number: int) -> int:
        """How many noisy answers the training of a round has saved."""
        row = self._one("SELECT count FROM saved_release WHERE study = ? AND number = ?", study, number)
        return row["count"] if row else 0

    def runs_with_releases(self) -> set[tuple[str, int]]:
        """The study and the number of every run that has saved a noisy answer."""
        return {(row["study"], row["number"]) for row in self._all("SELECT * FROM saved_release")}

    def remember_saved_releases(self, study: str, number: int, count: int) -> None:
        """Note that the training of a round has saved so many; durable when this returns."""
        self._db.execute("INSERT OR REPLACE INTO saved_release VALUES (?, ?, ?, 0)", (study, number, count))

    def forget_saved_releases(self, study: str, number: int) -> None:
        """Forget what the training of a round has saved, for its result is destroyed."""
        self._db.execute("DELETE FROM saved_release WHERE study = ? AND number = ?", (study, number))

    def note_lost_release(self, study: str, number: int) -> None:
        """Note that a saved answer of this training is gone."""
        self._db.execute("UPDATE saved_release SET lost = 1 WHERE study = ? AND number = ?", (study, number))

    def lost_release(self, study: str, number: int) -> bool:
        """Whether a saved answer of this training was found gone, and no further one was saved since."""
        row = self._one("SELECT lost FROM saved_release WHERE study = ? AND number = ?", study, number)
        return bool(row and row["lost"])

    def _set(self, study: str, number: int, values: Mapping[str, _Value]) -> None:
        if not values.keys() <= _FIELDS:
            raise ValueError("no such field of a round")
        names = ", ".join(f"{name} = ?" for name in values)
        query = f"UPDATE round SET {names} WHERE study = ? AND number = ?"  # noqa: S608 - names checked above
        self._db.execute(query, (*values.values(), study, number))


def _state(word: str) -> RoundState:
    """:raises MalformedError: a word that this version does not know."""
    try:
        return RoundState(word)
    except ValueError:
        raise MalformedError(
            "the workspace's state holds a round of a kind that this version of privxray does not know",
            reason="workspace.state-of-later-version",
            advice="Use the newest version that worked in this workspace",
        ) from None
