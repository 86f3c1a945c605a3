"""What the commands of a study print. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from privxray.cli.json_models.contributions import (
    SummaryFigures,
    Task,
)
from privxray.cli.json_models.evaluation import Scored
from privxray.cli.json_models.printed import Printed, Spent, absent


class Initialised(Printed):
    """A workspace was made."""

    role: Literal["hospital", "coordinator", "trustee"]
    name: str
    study: str = absent()
    """Of a coordinator's workspace."""
    workspace: str
    """Its folder."""
    incoming: str
    """The folder in it for files that come in."""
    card: str = absent()
    """The card to send to the coordinator, of a hospital or trustee."""
    budget: Spent = absent()
    """A hospital's limit for all studies together."""
    patients_up_to: int | None = absent()
    """The size that a hospital's card states."""


class CardWritten(Printed):
    """A fresh card was written."""

    card: str
    study: str | None
    format: int
    """The format of files that it stands for."""
    patients_up_to: int | None


class CandidacyWritten(Printed):
    """A coordinator's card was written: its candidacy for a study whose coordinator has lost its key."""

    card: str
    study: str
    key_words: str
    """To read out to the hospitals by phone."""
    until: str
    """The last day on which votes for it count, such as 2026-01-31, in UTC."""


class Roster(Printed):
    """Who takes part, by name."""

    version: int
    members: list[str]
    """Hospitals."""
    trustees: list[str]


class ScheduledTask(Printed):
    """One task of a study."""

    task: Task
    epsilon: float
    stages: int


class PlanTold(Printed):
    """What a plan fixes."""

    study: str
    round: int
    stage: int
    """Which of the rounds of the training this is."""
    stages: int
    roster: Roster
    terms: dict[str, JsonValue]
    """The terms and public constants by name. Which there are depends on the method."""
    remarks: list[str]
    task: Task = absent()
    """What this plan is for, in a study of several tasks."""
    schedule: list[ScheduledTask] = absent()
    """All tasks of the study, in their order."""
    whole: Spent = absent()
    """What all of them together may cost a patient."""


class Planned(PlanTold):
    """A plan was signed."""

    plan: str
    """Its file, for every party."""
    key_words: str
    """To read out to every party by phone."""
    warnings: list[str]
    changes: list[str] | None
    """What is otherwise than in the plan before; null for a first plan."""


class Joined(PlanTold):
    """A plan was verified and is followed."""

    already: bool
    changes: list[str]
    """What is otherwise than in the plan before."""
    agreement: str | None
    """The file to carry to the coordinator, under a plan that agrees on secrets for the masks."""


class RequestMade(Printed):
    """Keyholders are asked for the sum: ``aggregate`` in a study with keyholders."""

    request: str
    round: int
    survivors: list[str]
    """Hospitals whose updates are in the sum."""
    missing: list[str]
    keyholders: list[str]
    already: bool
    notes: list[str]


class SumOpened(Printed):
    """The sum was opened, and the model is signed; or all agreements came, and a plan is: ``aggregate``."""

    model: str | None
    """Null of a round that only counts patients, or that agrees on secrets for masks."""
    summary: str = absent()
    """The file with the counts, of a round that only counts patients."""
    counted: SummaryFigures = absent()
    """What it says."""
    proof: str | None
    """Where the plan asks for commitments."""
    plan: str | None
    """The next round's, where there is one."""
    key_words: str = absent()
    """Of the plan that comes after an agreement; new ones where a hospital was left out."""
    round: int
    hospitals: int
    lacking: list[str]
    already: bool
    notes: list[str]


class ShareWritten(Printed):
    """A keyholder's share was written."""

    share: str
    study: str
    round: int
    survivors: list[str]
    missing: list[str]
    warnings: list[str]
    again: bool
    written: bool


class RefusalWritten(Printed):
    """A keyholder swore to answer nothing in a round."""

    refusal: str
    study: str
    round: int
    again: bool


class WaiverWritten(Printed):
    """A hospital let a round be repeated without it."""

    waiver: str
    study: str
    round: int
    again: bool


class Accepted(Printed):
    """A model or a later plan was taken in."""

    kind: Literal["model", "plan", "summary"]
    study: str
    path: str | None
    already: bool
    changes: list[str] | None
    """What is otherwise in a plan than in the one before; null for a model or a summary."""
    proven: bool
    """Whether it was shown that the model is the sum of what the hospitals committed to."""
    words: str | None
    """Of a study's last model or summary, to compare with other hospitals by phone."""
    evaluation: Scored | None
    """The model's score on the hospital's own patients, where it has any."""
    summary: SummaryFigures = absent()
    """What a summary says."""


class Proven(Printed):
    """What a proof shows."""

    study: str
    round: int
    words: str
    """Twelve words that stand for the proof, to compare with other hospitals by phone."""
    proof: str
    """Its digest."""
    hospitals: list[str]
    own_update: bool
    within_bounds: bool
    """Each of them has proved that its numbers are within the bounds of the plan."""
    model: bool
    """Whether the round's model lies here, and is made of this sum."""


class Worded(Printed):
    """A plan that is followed here, or a model or summary without a proof that was accepted here."""

    study: str
    round: int
    words: str
    """Twelve words that stand for it, to compare with other hospitals by phone."""
    kind: Literal["plan", "model", "summary"]
    digest: str
