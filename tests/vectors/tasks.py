"""The vectors of docs/SPEC-2.md, section 4: plans for other tasks than training, and what obeys them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from exchange_samples import STAMP, Study
from forged_files import Change, put
from format2 import Made, altered, dropped

from privxray.exchange.concealing import conceal
from privxray.exchange.masking.fixed_point import quantise
from privxray.exchange.messages.plan_tasks import ScheduleEntry, count_manifest, score_manifest
from privxray.exchange.messages.summary import write_summary
from privxray.formats.container import seal_header
from privxray.formats.header import Body

CONSTANTS = {"n_max": 1000}
SHA = "ab" * 32
MODEL = b"a model"
SCHEDULE = (
    ScheduleEntry(task="describe", epsilon=0.1, stages=1),
    ScheduleEntry(task="train", epsilon=6.0, stages=2),
    ScheduleEntry(task="evaluate", epsilon=0.5, stages=1),
)
DESCRIBE: dict[str, Any] = {
    "format": 2,
    "features": ("tasks",),
    "constants": CONSTANTS,
    "schedule": SCHEDULE,
    "task": "describe",
    "epsilon": 0.1,
    "stages": 1,
    "age_bands": ("young", "old"),
    "sexes": ("F", "M"),
    "manifest": count_manifest(3, 2, 2, CONSTANTS),
}
NOTHING = {"age_bands": None, "sexes": None}
TRAIN: dict[str, Any] = {"task": "train", "epsilon": 6.0, "stages": 2, **NOTHING}
EVALUATE: dict[str, Any] = {
    "task": "evaluate",
    "epsilon": 0.5,
    "model": SHA,
    "edges": ((0.25, 0.5, 0.75),) * 3,
    "body": Body(length=len(MODEL), sha256=hashlib.sha256(MODEL).hexdigest()),
    "manifest": score_manifest(3, 4, CONSTANTS),
    **NOTHING,
}


class Files:
    """The good files, and what is made from them.

    :param kept: gives the stored bytes of a good file, for sealing is randomised.
    """

    def __init__(self, world: Study, kept: Callable[[str, Callable[[], bytes]], bytes]) -> None:
        self.world, self.a = world, world.hospitals[0]
        world.plan = world.make_plan(**DESCRIBE)
        self.plan = self._signed(world.plan)
        self.counts = {"counts": np.arange(27.0).reshape(3, 3, 3)}
        numbers = quantise(self.counts, world.plan.manifest, 64)
        assert conceal(numbers, world.signed(), self.a.fingerprint, self.a.mask) is None
        self.update = kept("describe-update", lambda: world.update(self.a, numbers))
        self.summary = write_summary(self.counts, world.signed(), world.coordinator, STAMP)

    def all(self) -> Made:
        train = DESCRIBE | TRAIN
        del train["manifest"]
        return {
            "describe-plan": (self.plan, "ok", "a plan that describes patients"),
            "describe-update": (self.update, "ok", "an update with noisy counts"),
            "summary": (self.summary, "ok", "a summary"),
            "scheduled-train-plan": (self._made(**train), "ok", "the training of the same schedule"),
            "evaluate-plan": (self._made(**EVALUATE) + MODEL, "ok", "a plan that evaluates a model"),
            **self._schedules(),
            **self._parts(),
            **self._results(),
        }

    def _schedules(self) -> Made:
        entries = [one.model_dump() for one in SCHEDULE]
        dearer = [entries[0] | {"epsilon": 0.2}, *entries[1:]]
        twice = [entries[0] | {"stages": 2}, *entries[1:]]
        free = [entries[0] | {"epsilon": 0.0}, *entries[1:]]
        agrees = [{"epsilon": 0.0, "stages": 1, "task": "agree"}, *entries]

        def plan(schedule: Any) -> bytes:
            return self._plan(put("schedule", value=schedule))

        order, lacking = "plan.schedule-order", "header.field-of-feature-lacking"
        return {
            "tasks-another-order": (plan([entries[1], entries[0]]), order, "describe, train, evaluate"),
            "tasks-one-twice": (plan([entries[0], *entries]), order, "each once at most"),
            "tasks-without-training": (plan(entries[:1]), order, "a study trains"),
            "tasks-none": (plan([]), "header.field", "at least one entry"),
            "tasks-nine": (plan(entries * 3), "header.field", "at most 8 entries"),
            "tasks-unknown": (plan([{**entries[0], "task": "publish"}]), "header.field", "one of four tasks"),
            "tasks-described-in-two-rounds": (plan(twice), "plan.schedule-entry", "one stage for describe"),
            "tasks-described-for-nothing": (plan(free), "plan.schedule-entry", "only agree is free"),
            "tasks-agree-without-use": (plan(agrees), "plan.agree-without-use", "with hybrid masks alone"),
            "tasks-other-epsilon": (plan(dearer), "plan.not-as-scheduled", "the entry says the same"),
            "tasks-not-in-schedule": (plan(entries[1:]), "plan.not-as-scheduled", "its task is an entry"),
            "tasks-schedule-missing": (self._plan(dropped("schedule")), lacking, "schedule is present"),
            "tasks-schedule-null": (self._plan(put("schedule", value=None)), lacking, "schedule is not null"),
            "tasks-task-missing": (self._plan(dropped("task")), lacking, "task is present"),
            "tasks-unlisted": (
                self._plan(put("features", value=[])),
                "header.field-of-other-feature",
                "only where the feature is listed",
            ),
            "tasks-epsilon-zero": (self._plan(put("epsilon", value=0.0)), "header.field", "agree is free"),
        }

    def _parts(self) -> Made:
        reason = "plan.parts-of-other-task"
        evaluate = self._made(**EVALUATE)

        def other(*changes: Change) -> bytes:
            return altered(evaluate, self.world.coordinator, *changes)

        descending = [[0.5, 0.25, 0.75]] * 3
        return {
            "describe-without-bands": (self._plan(put("age_bands", value=None)), reason, "bands of age"),
            "describe-with-a-model": (self._plan(put("model", value=SHA)), reason, "no model"),
            "describe-band-twice": (
                self._plan(put("age_bands", value=["old", "old"])),
                reason,
                "each band once",
            ),
            "describe-other-bound": (
                self._plan(put("manifest", 0, "bound", value=10_001.0)),
                reason,
                "the vector of the task",
            ),
            "evaluate-without-a-model": (other(put("model", value=None)), reason, "names the model"),
            "evaluate-without-edges": (other(put("edges", value=None)), reason, "K lists"),
            "evaluate-edges-descending": (other(put("edges", value=descending)), reason, "ascending"),
            "evaluate-two-lists": (other(put("edges", value=[[0.25, 0.5, 0.75]] * 2)), reason, "K lists"),
            "evaluate-edge-of-one": (
                other(put("edges", value=[[0.25, 0.5, 1.0]] * 3)),
                "header.field",
                "between 0 and 1",
            ),
            "evaluate-without-its-body": (
                other(put("body", value=Body().model_dump(mode="json"))),
                reason,
                "the model is inside",
            ),
        }

    def _results(self) -> Made:
        owner, coordinator = self.a.identity, self.world.coordinator

        def update(*changes: Change) -> bytes:
            return altered(self.update, owner, *changes)

        def summary(*changes: Change) -> bytes:
            return altered(self.summary, coordinator, *changes)

        planned = "summary.not-as-planned"
        return {
            "update-of-another-task": (
                update(put("task", value="train")),
                "update.other-task",
                "the task of its plan",
            ),
            "update-without-task": (
                update(dropped("task")),
                "header.field-of-feature-lacking",
                "an update says its task",
            ),
            "summary-of-another-task": (summary(put("task", value="evaluate")), planned, "the plan's task"),
            "summary-of-another-epsilon": (summary(put("epsilon", value=0.2)), planned, "the plan's epsilon"),
            "summary-of-other-classes": (
                summary(put("classes", value=["normal", "virus"])),
                planned,
                "the plan's classes",
            ),
            "summary-of-another-plan": (summary(put("plan", value=SHA)), "file.other-plan", "obeys the plan"),
            "summary-with-stages": (
                summary(lambda header: header.update(stage=1)),
                "header.field",
                "a summary has no stage",
            ),
            "summary-by-a-hospital": (
                write_summary(self.counts, self.world.signed(), owner, STAMP),
                "summary.other-coordinator",
                "signed by the coordinator",
            ),
        }

    def _plan(self, *changes: Change) -> bytes:
        return altered(self.plan, self.world.coordinator, *changes)

    def _made(self, **fields: Any) -> bytes:
        return self._signed(self.world.make_plan(**(DESCRIBE | fields)))

    def _signed(self, plan: Any) -> bytes:
        return seal_header(plan, self.world.coordinator.signing, plan.sender)
