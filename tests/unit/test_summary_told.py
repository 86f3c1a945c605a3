"""What is told of a summary: figures with intervals, and in words where nothing can be said."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from committed_round import FORM
from exchange_samples import Study
from test_noisy_histograms import drawn

from privxray.cli.summary_view import summary_json
from privxray.evaluation.noisy_histograms import least_patients
from privxray.exchange.messages.plan_tasks import ScheduleEntry, count_manifest, score_manifest
from privxray.formats.header import Body
from privxray.workflow.common.study_cost import answer_noise
from privxray.workflow.common.summary_told import Told, calibration_rows, remarks, rows, told_by
from privxray.workflow.common.what_counts_show import what_counts_show
from privxray.workflow.coordinator.reporting.counted_section import counted_section

CONSTANTS = {"n_max": 1000}
EDGES = (tuple(place / 12 for place in range(1, 12)),) * 3


def plan(task: Any, epsilon: float, **fields: Any) -> Any:
    schedule = (
        ScheduleEntry(task="describe", epsilon=epsilon, stages=1),
        ScheduleEntry(task="train", epsilon=6.0, stages=1),
        ScheduleEntry(task="evaluate", epsilon=epsilon, stages=1),
    )
    form = FORM | {"features": ("tasks",), "commitments": None, "constants": CONSTANTS}
    return Study().make_plan(**form, task=task, epsilon=epsilon, schedule=schedule, **fields)


def evaluated(patients: int, epsilon: float) -> Told:
    tables = np.stack([drawn(patients, seed)[2] for seed in range(3)])
    manifest = score_manifest(3, 12, CONSTANTS)
    body = Body(length=5, sha256="ab" * 32)
    made = plan("evaluate", epsilon, model="ab" * 32, edges=EDGES, manifest=manifest, body=body)
    noise = np.random.default_rng(2).normal(0, told_by(made, {"scores": tables}).deviation, tables.shape)
    return told_by(made, {"scores": tables + noise}, 3)


def test_many_patients_have_figures_with_intervals() -> None:
    told = evaluated(6_000, 2.0)
    each = answer_noise(told.guarantee) * 3**0.5
    assert told.deviation == pytest.approx(each * 3**0.5, rel=1e-5)
    shown = rows(told)
    assert [row[:2] for row in shown[:2]] == [
        ("AUC", "mean of the classes"),
        ("AUC", "normal against the rest"),
    ]
    assert not any("not shown" in value for *_, value in shown)
    found = summary_json(told)
    auc: Any = found["auc"]
    assert auc["low"] < 0.88 < auc["high"]
    first: Any = found["classes"]
    assert len(first[0]["roc"]) == 13
    assert len(calibration_rows(told)) > 12
    section = counted_section(told)
    assert len(section.curves) == 3
    assert "AUC 0.8" in section.curves[0].caption
    assert "0.2 is not shown" in " ".join(remarks(told))
    assert "per patient, delta 1e-05, add-or-remove-one-patient" in " ".join(remarks(told))


def test_few_patients_have_none_and_that_is_said() -> None:
    told = evaluated(300, 0.5)
    assert all("not shown: too few patients for this noise" in value for *_, value in rows(told))
    found = summary_json(told)
    classes: Any = found["classes"]
    assert (found["auc"], classes[0]["auc"], classes[0]["roc"]) == (None, None, [])
    assert not counted_section(told).curves
    assert "nothing" not in " ".join(remarks(told))
    assert "No bin of scores has enough patients" in " ".join(remarks(told))


def test_counts_have_errors_and_none_is_below_zero() -> None:
    cells = {"age_bands": ("young", "old"), "sexes": ("F", "M")}
    made = plan("describe", 0.5, manifest=count_manifest(3, 2, 2, CONSTANTS), **cells)
    counts = np.full((3, 3, 3), 100.0)
    counts[2] = -5.0
    told = told_by(made, {"counts": counts})
    assert (told.hospitals, told.exact_hospitals) == (3, True)
    by_name = {(by, name): value for by, name, value in rows(told)}
    assert by_name["class", "normal"].startswith("900 ± ")
    assert by_name["class", "virus"].startswith("0 ± ")
    assert by_name["class", "virus"].endswith("it may be none)")
    assert "A patient counts once" in " ".join(remarks(told))
    assert summary_json(told)["table"] == counts.tolist()
    section = counted_section(told)
    assert (section.curves, section.calibration) == ([], [])


def test_a_plan_says_before_what_its_counts_can_show() -> None:
    made = plan("train", 0.5)
    made = made.model_copy(update={"epsilon": 6.0})
    told = dict(what_counts_show(made))
    each = answer_noise(evaluated(300, 0.5).guarantee) * 3**0.5
    assert f"to {each * 28**0.5:,.0f} (one" in told["what the description shows"]
    least = least_patients(each * 3**0.5, 12)
    assert f"{math.ceil(least):,} held-out patients or more" in told["what the evaluation shows"]
    assert dict(what_counts_show(Study().plan)) == {}
