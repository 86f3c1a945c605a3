"""Plans for other tasks than training: what is refused by the plan alone, and after the plan before."""

from __future__ import annotations

from typing import Any

import pytest
from committed_round import FORM
from exchange_samples import MANIFEST, Study
from forged_files import reason_of, refused
from pydantic import ValidationError

from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.admission.admit_successor import admit_successor
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.plan_tasks import (
    Place,
    ScheduleEntry,
    count_manifest,
    score_manifest,
    sensitivity,
)
from privxray.formats.header import Body, TaskName

STUDY = Study()
SHA = "ab" * 32
CONSTANTS = {"n_max": 1000}
BODY = Body(length=5, sha256=SHA)


def entry(task: TaskName, epsilon: float = 0.1, stages: int = 1) -> ScheduleEntry:
    return ScheduleEntry(task=task, epsilon=epsilon, stages=stages)


ALL = (entry("describe"), entry("train", 6.0, 2), entry("evaluate", 0.5))
EDGES = ((0.25, 0.5, 0.75),) * 3
DESCRIBE: dict[str, Any] = {
    "task": "describe",
    "epsilon": 0.1,
    "age_bands": ("young", "old"),
    "sexes": ("F", "M"),
    "manifest": count_manifest(3, 2, 2, CONSTANTS),
}
EVALUATE: dict[str, Any] = {
    "task": "evaluate",
    "epsilon": 0.5,
    "model": SHA,
    "edges": EDGES,
    "body": BODY,
    "manifest": score_manifest(3, 4, CONSTANTS),
}
TRAIN: dict[str, Any] = {"task": "train", "stages": 2}
BY_TASK = {"describe": DESCRIBE, "train": TRAIN, "evaluate": EVALUATE}


def plan(fields: dict[str, Any], **changes: Any) -> PlanHeader:
    form = FORM | {"features": ("tasks",), "commitments": None}
    return STUDY.make_plan(**(form | {"schedule": ALL, "constants": CONSTANTS} | fields | changes))


def admitted(made: PlanHeader) -> SignedPlan:
    return admit_plan(STUDY.plan_file(made), STUDY.coordinator.public())


@pytest.mark.parametrize("task", BY_TASK)
def test_a_plan_of_each_task_is_admitted(task: TaskName) -> None:
    made = admitted(plan(BY_TASK[task])).plan
    assert (made.its_task, made.training) == (task, ALL[1])
    assert made.carries_model == (task == "evaluate")


def test_a_plan_without_tasks_trains_and_has_no_field_of_them() -> None:
    made = STUDY.make_plan(stages=3, stage=2)
    assert (made.its_task, made.place, made.next_place) == ("train", Place(0, 2), Place(0, 3))
    assert made.its_schedule == (entry("train", 6.0, 3),)
    assert not {"task", "schedule", "age_bands", "sexes", "model", "edges"} & made.stated().keys()


def test_a_study_goes_through_its_schedule() -> None:
    place: Place | None = Place(0, 1)
    walked = []
    while place is not None:
        walked.append((place.entry, place.stage))
        place = place.next(ALL)
    assert walked == [(0, 1), (1, 1), (1, 2), (2, 1)]


SCHEDULES = {
    "another order": ((ALL[1], ALL[0]), "plan.schedule-order"),
    "a task twice": ((*ALL[:2], ALL[1]), "plan.schedule-order"),
    "no training": ((ALL[0],), "plan.schedule-order"),
    "a describe in two rounds": ((entry("describe", 0.1, 2), *ALL[1:]), "plan.schedule-entry"),
    "a free description": ((entry("describe", 0.0), *ALL[1:]), "plan.schedule-entry"),
    "keys that nobody uses": ((entry("agree", 0.0), *ALL), "plan.agree-without-use"),
    "another epsilon": ((entry("describe", 0.2), *ALL[1:]), "plan.not-as-scheduled"),
    "no such task": (ALL[1:], "plan.not-as-scheduled"),
}


@pytest.mark.parametrize("what", SCHEDULES)
def test_schedules_that_are_refused(what: str) -> None:
    schedule, reason = SCHEDULES[what]
    with refused(reason):
        admitted(plan(DESCRIBE, schedule=schedule))


PARTS = {
    "a describe without bands": (DESCRIBE, {"age_bands": None}),
    "without sexes": (DESCRIBE, {"sexes": None}),
    "a band twice": (DESCRIBE, {"age_bands": ("old", "old")}),
    "with edges": (DESCRIBE, {"edges": EDGES}),
    "with a model": (DESCRIBE, {"model": SHA}),
    "of the training's vector": (DESCRIBE, {"manifest": MANIFEST}),
    "an evaluate without a model": (EVALUATE, {"model": None}),
    "without its body": (EVALUATE, {"body": Body()}),
    "without edges": (EVALUATE, {"edges": None}),
    "for two of three classes": (EVALUATE, {"edges": EDGES[:2]}),
    "of other lengths": (EVALUATE, {"edges": (*EDGES[:2], (0.2, 0.3, 0.4, 0.5))}),
    "descending": (EVALUATE, {"edges": ((0.5, 0.25, 0.75),) * 3}),
    "with bands": (EVALUATE, {"age_bands": ("old",)}),
    "of other bins": (EVALUATE, {"manifest": score_manifest(3, 5, CONSTANTS)}),
    "a train with edges": (TRAIN, {"edges": EDGES}),
    "a train with sexes": (TRAIN, {"sexes": ("F",)}),
}


@pytest.mark.parametrize("what", PARTS)
def test_parts_of_other_tasks_are_refused(what: str) -> None:
    fields, changes = PARTS[what]
    with refused("plan.parts-of-other-task"):
        admitted(plan(fields, **changes))


def test_only_an_agreement_is_free() -> None:
    with pytest.raises(ValidationError):
        plan(TRAIN, epsilon=0.0)
    assert plan(TRAIN, task="agree", epsilon=0.0).epsilon == 0


def test_a_study_neither_skips_nor_changes_what_is_scheduled() -> None:
    first = admitted(plan(DESCRIBE))
    after = {"round": 2, "previous": first.digest}
    train, evaluate = plan(TRAIN, **after), plan(EVALUATE, **after)
    dearer = (*ALL[:2], entry("evaluate", 0.6))
    cases = (
        (train, None),
        (plan(DESCRIBE, **after), None),
        (plan(TRAIN, stage=2, **after), "plan.stage-skipped"),
        (evaluate, "plan.stage-skipped"),
        (plan(TRAIN, schedule=dearer, **after), "plan.terms-changed"),
        (plan(TRAIN, method="other", **after), "plan.terms-changed"),
        (plan(TRAIN, body=BODY, **after), "plan.other-start"),  # nothing was trained in between
        (plan(TRAIN, features=(), task=None, schedule=None, **after), None),  # it begins anew
        (plan(TRAIN, schedule=ALL[1:], **after), None),
    )
    for made, reason in cases:
        assert reason_of(lambda made=made: admit_successor(made, first)) == reason, made.its_task
    last = STUDY.signed(plan(TRAIN, stage=2, round=3, previous=SHA))
    after = {"round": 4, "previous": last.digest}
    admit_successor(plan(EVALUATE, **after), last)
    admit_successor(plan(DESCRIBE, **after), last)  # it begins anew
    with refused("plan.stage-back"):
        admit_successor(plan(TRAIN, **after), last)
    evaluated = STUDY.signed(plan(EVALUATE, **after))
    with refused("plan.terms-changed"):  # one model is evaluated
        admit_successor(plan(EVALUATE, round=5, previous=evaluated.digest, model="cd" * 32), evaluated)
    other = Body(length=5, sha256="cd" * 32)
    with refused("plan.other-start"):  # under its name
        admit_successor(plan(EVALUATE, round=5, previous=evaluated.digest, body=other), evaluated)
    admit_successor(plan(EVALUATE, round=5, previous=evaluated.digest), evaluated)


def test_how_far_one_patient_moves_the_counts() -> None:
    assert sensitivity("describe", 3) == 1
    assert sensitivity("evaluate", 3) == pytest.approx(3**0.5)
