"""The tasks of a study: the schedule that a coordinator's terms make, and what a plan has of each task.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privxray.evaluation.noisy_histograms import BINS
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import (
    COUNT_BITS,
    Place,
    ScheduleEntry,
    count_manifest,
    score_manifest,
)
from privxray.formats.features import BOUND_PROOFS
from privxray.formats.header import Digest, TaskName
from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES

if TYPE_CHECKING:
    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod


@dataclass(frozen=True)
class OtherTasks:
    """What a study does beside its training.

    :param agree: whether its hospitals first agree on secrets for hybrid masks.
    :param describe: epsilon of a description of the patients before the training; None for none.
    :param evaluate: epsilon of an evaluation of the model after it; None for none.
    """

    agree: bool = False
    describe: float | None = None
    evaluate: float | None = None

    def schedule(self, epsilon: float, rounds: int) -> tuple[ScheduleEntry, ...] | None:
        """The schedule of a study; None where it only trains.

        :param epsilon: of the training. :param rounds: of the training.
        """
        if self == ONLY_TRAIN:
            return None
        before: list[tuple[TaskName, float | None]] = [
            ("agree", 0.0 if self.agree else None),
            ("describe", self.describe),
        ]
        counted = [
            ScheduleEntry(task=task, epsilon=cost, stages=1) for task, cost in before if cost is not None
        ]
        training = ScheduleEntry(task="train", epsilon=epsilon, stages=rounds)
        after = (
            [] if self.evaluate is None else [ScheduleEntry(task="evaluate", epsilon=self.evaluate, stages=1)]
        )
        return (*counted, training, *after)


ONLY_TRAIN = OtherTasks()


def first_fields(
    schedule: tuple[ScheduleEntry, ...],
    method: AnyMethod,
    constants: MethodConstants,
    classes: tuple[str, ...],
    features: Collection[str],
) -> dict[str, Any]:
    """The fields of a study's first plan that its first task decides."""
    return {"schedule": schedule, **_fields(schedule[0], method, constants, classes, features)}


def next_fields(before: PlanHeader, place: Place, model: Digest | None) -> dict[str, Any]:
    """The fields of the plan that follows another one, as far as they are of its task.

    :param model: the digest of the study's newest model.
    """
    if place.entry == before.place.entry:
        return {"stage": place.stage}
    from privxray.learning import methods

    method = methods.get(before.method)
    entry, constants = before.its_schedule[place.entry], method.constants(before.constants)
    of_task = _fields(entry, method, constants, before.classes, before.features)
    return {"stage": place.stage, **of_task, "model": model if entry.task == "evaluate" else None}


def _fields(
    entry: ScheduleEntry,
    method: AnyMethod,
    constants: MethodConstants,
    classes: tuple[str, ...],
    features: Collection[str],
) -> dict[str, Any]:
    """What a plan for this task has of it; which model is evaluated is the caller's to say."""
    proven = BOUND_PROOFS in features and entry.task == "train"
    of_task: dict[str, Any] = {
        "modulus_bits": method.modulus_bits,
        "manifest": method.manifest(constants, classes),
        "bounds": method.bounds(constants) if proven else None,
        "age_bands": None,
        "sexes": None,
        "model": None,
        "edges": None,
    }
    if entry.task == "describe":
        manifest = count_manifest(len(classes), len(AGE_BANDS), len(SEXES), constants.stated())
        of_task |= {"age_bands": AGE_BANDS, "sexes": SEXES, "modulus_bits": COUNT_BITS, "manifest": manifest}
    if entry.task == "evaluate":
        edges = tuple(place / BINS for place in range(1, BINS))
        manifest = score_manifest(len(classes), BINS, constants.stated())
        of_task |= {
            "edges": (edges,) * len(classes),
            "modulus_bits": COUNT_BITS,
            "manifest": manifest,
        }
    return {"task": entry.task, "epsilon": entry.epsilon, "stages": entry.stages, **of_task}
