"""What the commands print that change nothing. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from privxray.cli.json_models.printed import Printed
from privxray.cli.json_models.training import DataOfTraining


class RoundSeen(Printed):
    """A round, and where it stands here."""

    study: str
    round: int
    state: str


class TrainingSeen(DataOfTraining):
    """What a training saw, and what changed since."""

    study: str
    round: int


class AnsweredFor(Printed):
    """How many images were answered for a hospital."""

    hospital: str
    model: str
    images: int


class StudySeen(Printed):
    """The newest round of a study, and who is awaited."""

    study: str
    round: int
    training_round: int
    """Which training round it is, from 1."""
    training_rounds: int
    awaited: list[str]
    """Parties, by name."""
    awaited_for: str | None
    """What of them, in words."""
    awaited_here: bool
    """This workspace is to act."""


class BudgetAtAGlance(Printed):
    """What is left of a hospital's lifetime limit."""

    used: float
    """What the limit is held against, as epsilon."""
    limit: float
    left: float
    """The largest epsilon that one more training can have, rounded down to hundredths."""
    delta: float
    in_words: str


class FileThatCame(Printed):
    """A file in a drop folder that no command has taken yet. ``status --watch`` prints one a line."""

    file: str
    kind: str | None
    """Null for a file that is none of privxray's, or damaged."""
    study: str | None
    round: int
    from_: str | None = Field(alias="from")
    """Who made it, in words."""
    verified: bool
    """A key was at hand by which the signature is good; the body was not read."""
    signature: str
    """In words, or what is wrong with the file."""
    taken: bool
    """The workspace knows it, or its time is over."""
    todo: str


class Status(Printed):
    """Where a workspace stands."""

    workspace: str
    role: Literal["hospital", "coordinator", "trustee"]
    name: str
    rounds: list[RoundSeen]
    """Oldest first."""
    studies: list[StudySeen]
    budget: BudgetAtAGlance | None
    """Of a hospital."""
    incoming: str | None
    """The drop folder; null in a workspace of an earlier version."""
    unread: list[FileThatCame]
    unread_not_looked_at: int
    key_words: dict[str, str]
    """By study."""
    trained: list[TrainingSeen]
    answered: list[AnsweredFor]
    queries_waiting: int
    remarks: list[str]
    next: list[str]
    """What to type next."""


class FileSummary(Printed):
    """What a person decides by."""

    what: str
    whose: str
    study_and_round: str
    terms: str
    good: str
    todo: str


class Inspected(Printed):
    """What a file says, and whether it is whole and signed."""

    file: str
    signature: str
    summary: FileSummary
    key_words: str | None
    header: dict[str, JsonValue]
    """Every field of the file's header; docs/SPEC.md describes them by kind of file."""


class NotGood(Printed):
    """What is wrong with a file."""

    reason: str
    what: str


class FileNotGood(Printed):
    """A file that is not good."""

    file: str
    error: NotGood


class SeveralInspected(Printed):
    """The same of several files."""

    files: list[Inspected | FileNotGood]
    not_good: int


class CheckOfDoctor(Printed):
    """One check of the workspace."""

    check: str
    result: Literal["ok", "notice", "error"]
    what: str
    advice: str | None


class DoctorsReport(Printed):
    """What was looked at, and what was found. With errors the command ends with 3."""

    checks: list[CheckOfDoctor]
    errors: int


class Words(Printed):
    """All words that are explained, and all reasons of errors with their exit codes."""

    words: dict[str, str]
    reasons: dict[str, int]


class WordExplained(Printed):
    """What a word means."""

    word: str
    meaning: str


class ReasonExplained(Printed):
    """What the reason of an error means."""

    reason: str
    exit_code: int
    cause: str
    remedy: str


class TrainingReported(Printed):
    """A page on the hospital's training was written. It stays inside."""

    report: str
    study: str
    not_scored: str | None
    """Why no model is shown."""


class StudyReported(Printed):
    """A page on the study and the model card were written."""

    report: str
    model_card: str | None
    """Null where there is no model yet."""
    model_card_page: str | None


class PrivacyReported(Printed):
    """The statement for an impact assessment was written, in English and German."""

    reports: list[str]
