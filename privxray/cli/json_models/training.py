"""What a training, its rehearsal and its export print. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from privxray.cli.json_models.printed import Lifetime, Printed, Spent, Split


class DataChanges(Printed):
    """What changed in the train split since a training."""

    labels: int
    """Images whose label is another one."""
    new: int
    """Patients who came."""
    gone: int
    """Patients who went."""
    other_images: int
    """Patients in both who have other images."""


class DataOfTraining(Printed):
    """Which data a training saw."""

    digest: str
    """A keyed hash of the rows of its patients."""
    time: str | None
    since: DataChanges


class TrainingSeconds(Printed):
    """How long it took; null where nothing was computed."""

    features: float | None
    train: float | None


class Trained(Spent):
    """A training ended, and what the study has cost a patient so far."""

    study: str
    round: int
    method: str
    lifetime: Lifetime
    already: bool
    data: DataOfTraining | None
    seconds: TrainingSeconds


class NearestMeasured(Printed):
    """The measured study that is nearest to the one that is rehearsed."""

    hospitals: int
    patients: int
    epsilon: float
    together: float
    """Macro AUC of the global model."""
    alone: float
    """Macro AUC of a hospital by itself."""


class Expected(Printed):
    """What accuracy to expect, by the tables of docs/BENCHMARKS.md."""

    alone: float
    """Macro AUC of the own training, to two decimals."""
    beyond_measured: bool
    """Patients times epsilon are fewer or more than in any study that was measured."""
    nearest: NearestMeasured


class Rehearsed(Spent):
    """``train --dry-run``: what a training would do, and the budget after all rounds that are left."""

    study: str
    round: int
    method: str
    counts: list[Split]
    patients: int
    most_patients: int
    """The plan's ``n_max``."""
    held_out: int
    few_patients: bool
    trained: bool
    steps: int
    rounds_left: int
    images_without_features: int
    seconds: float
    asked: float
    """The epsilon that was typed, or that would be taken."""
    lifetime: Lifetime
    expected: Expected | None


class UpdateExported(Spent):
    """An update was written, and what it states that the study has cost a patient."""

    update: str
    bytes: int
    again: bool
    """Its bytes were fixed before."""
    written: bool
    """False where the same file was there already."""
    study: str
    round: int
