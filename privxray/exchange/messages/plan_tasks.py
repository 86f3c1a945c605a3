"""What a plan is for: to train, or before and after it to describe the patients or evaluate the model.

A study with tasks goes through its schedule, entry by entry, and every plan of it carries the whole schedule.
So whoever joins knows what all of it may cost (docs/SPEC-2.md, section 4, and docs/adr/0140). A plan without
the feature trains, and its schedule is that one entry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from privxray.exchange.messages.plan_sizes import N_MAX
from privxray.formats.header import Digest, Header, Strict, TaskName
from privxray.formats.tensors import ModulusBits, TensorSpec

ORDER: Final[tuple[TaskName, ...]] = ("agree", "describe", "train", "evaluate")
"""The order of tasks in a schedule, each of which stands in it once at most."""
COUNTED: Final[tuple[TaskName, ...]] = ("describe", "evaluate")
"""The tasks whose sum is counts of patients, in a summary."""

COUNTS: Final = "counts"
SCORES: Final = "scores"
COUNT_BITS: Final[ModulusBits] = 64
_FRACTION_BITS: Final = 16
_NOISE_MARGIN: Final = 10_000.0
"""What a count may be above or below the number of patients by noise; what is more is cut."""

Epsilon = Annotated[float, Field(ge=0, le=100.0, allow_inf_nan=False)]
CellName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ]{0,23}$")]
Edges = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)], ...],
    Field(strict=False, min_length=3, max_length=63),
]
"""The inner edges of 4 to 64 bins of a score in [0, 1], ascending."""


class ScheduleEntry(Strict):
    """One task of a study: its epsilon per patient over all of its ``stages``, at the plan's delta."""

    task: TaskName
    epsilon: Epsilon
    stages: Annotated[int, Field(ge=1, le=1000)]

    def __str__(self) -> str:
        """In words."""
        rounds = f" in {self.stages} rounds" if self.stages > 1 else ""
        return f"{self.task} at epsilon {self.epsilon:g}{rounds}" if self.epsilon else self.task


@dataclass(frozen=True, order=True)
class Place:
    """Where in its study a plan is: the number of its entry in the schedule, from 0, and its stage."""

    entry: int
    stage: int

    @property
    def is_first(self) -> bool:
        """Whether a study begins here."""
        return self == Place(0, 1)

    def next(self, schedule: Sequence[ScheduleEntry]) -> Place | None:
        """What comes after it; None at the end of the study."""
        if self.stage < schedule[self.entry].stages:
            return Place(self.entry, self.stage + 1)
        return Place(self.entry + 1, 1) if self.entry + 1 < len(schedule) else None


def count_manifest(
    classes: int, bands: int, sexes: int, constants: dict[str, JsonValue]
) -> tuple[TensorSpec, ...]:
    """What hospitals send of a description: [classes, bands + 1, sexes + 1]; the last cells are for unknown.

    :param constants: of the plan; ``n_max`` bounds a count.
    """
    return (_counts(COUNTS, (classes, bands + 1, sexes + 1), constants),)


def score_manifest(classes: int, bins: int, constants: dict[str, JsonValue]) -> tuple[TensorSpec, ...]:
    """What hospitals send of an evaluation: [classes, 2, bins], patients of the class and all others."""
    return (_counts(SCORES, (classes, 2, bins), constants),)


def _counts(name: str, shape: tuple[int, ...], constants: dict[str, JsonValue]) -> TensorSpec:
    most = constants.get(N_MAX)
    bound = float(most) if isinstance(most, int) and not isinstance(most, bool) else 0.0
    return TensorSpec(name=name, shape=shape, bound=bound + _NOISE_MARGIN, fraction_bits=_FRACTION_BITS)


def sensitivity(task: TaskName, classes: int) -> float:
    """How far one patient moves the counts of a task, in the Euclidean norm.

    A patient is in one cell of a description, and in one cell of each of the K pairs of histograms.
    """
    return 1.0 if task == "describe" else math.sqrt(classes)


class ScheduledHeader(Header):
    """The fields of a plan that say which part of its study it is.

    A plan without the feature ``tasks`` has ``stage``, ``stages`` and ``epsilon``, and trains.
    """

    stage: Annotated[int, Field(ge=1, le=1000)]
    stages: Annotated[int, Field(ge=1, le=1000)]
    task: TaskName | None = None  # before epsilon, which is held against it
    epsilon: Epsilon
    schedule: Annotated[tuple[ScheduleEntry, ...], Field(strict=False, min_length=1, max_length=8)] | None = (
        None
    )
    age_bands: Annotated[tuple[CellName, ...], Field(strict=False, min_length=1, max_length=15)] | None = None
    sexes: Annotated[tuple[CellName, ...], Field(strict=False, min_length=1, max_length=15)] | None = None
    model: Digest | None = None
    edges: Annotated[tuple[Edges, ...], Field(strict=False, min_length=2, max_length=50)] | None = None

    @field_validator("epsilon")
    @classmethod
    def _only_an_agreement_is_free(cls, value: float, stated: ValidationInfo) -> float:
        if value == 0 and stated.data.get("task") != "agree":
            raise ValueError("epsilon has to be above 0")
        return value

    @property
    def its_task(self) -> TaskName:
        """What the plan is for; a plan that does not say trains."""
        return self.task or "train"

    @property
    def its_schedule(self) -> tuple[ScheduleEntry, ...]:
        """All tasks of the study; of a plan without the feature that is its training alone."""
        if self.schedule is not None:
            return self.schedule
        return (ScheduleEntry(task="train", epsilon=self.epsilon, stages=self.stages),)

    @property
    def training(self) -> ScheduleEntry:
        """What the study's training may cost, and in how many rounds, whatever this plan is for."""
        return next(entry for entry in self.its_schedule if entry.task == "train")

    @property
    def place(self) -> Place:
        """Where in its study the plan is. :raises ValueError: its schedule does not have its task."""
        tasks = [entry.task for entry in self.its_schedule]
        return Place(tasks.index(self.its_task), self.stage)

    @property
    def next_place(self) -> Place | None:
        """What follows in the study; None where this is its end."""
        return self.place.next(self.its_schedule)

    @property
    def carries_model(self) -> bool:
        """Whether its body is a global model, and not what training starts from."""
        return self.its_task == "evaluate" or (self.its_task == "train" and self.stage > 1)
