"""What counts with noise print, one hospital's and all together. Tested in tests/cli/test_json_models.py."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from privxray.cli.json_models.printed import Lifetime, Printed, Spent, absent

Task = Literal["train", "describe", "evaluate", "agree"]
"""What a round of a schedule is for."""


class Noise(Printed):
    """What one contribution costs, and how much noise it has."""

    epsilon: float
    deviation: float
    """The standard deviation of the noise in each count."""


class Contributed(Spent):
    """``--contribute``: noisy counts were drawn for a study, and what the study has cost a patient so far."""

    study: str
    round: int
    task: Task
    contributed: Noise
    lifetime: Lifetime
    already: bool


class OwnCounts(Printed):
    """``describe``: exact counts for the hospital's own screen."""

    study: str
    classes: list[str]
    age_bands: list[str]
    sexes: list[str]
    counts: list[list[list[int]]]
    """By class, then band of age, then sex."""


class NoisyCount(Printed):
    """A noisy number of patients over all hospitals."""

    by: str
    name: str
    patients: float
    error: float
    """The standard deviation of its noise."""
    clear: bool
    """Whether it can be told from none."""


class NoisyFigure(Printed):
    """A figure with its 95 % interval, which holds the noise and the chance of other patients."""

    value: float
    low: float
    high: float


class CalibrationStep(Printed):
    """Patients whose score of a class is in a bin."""

    low: float
    high: float
    patients: float
    share: NoisyFigure | None
    """How many are of the class; null where that can't be said."""


class ClassFigures(Printed):
    """One class against the rest; a figure is null where its interval is too wide to be shown."""

    class_: str = Field(alias="class")
    auc: NoisyFigure | None
    sensitivity: NoisyFigure | None
    """At specificity 0.9."""
    roc: list[list[float]]
    """False and true positive rates."""
    calibration: list[CalibrationStep]


class SummaryFigures(Printed):
    """What a summary says."""

    task: Task
    guarantee: Spent
    deviation: float
    """The standard deviation of the noise in each number of the sum."""
    counts: list[NoisyCount] = absent()
    """Of a description."""
    table: list[list[list[float]]] = absent()
    """Of a description: by class, then band of age, then sex; the last of each for unknown."""
    auc: NoisyFigure | None = absent()
    """Of an evaluation: the mean over the classes."""
    classes: list[ClassFigures] = absent()
    """Of an evaluation."""
