"""What a summary says: counts of patients, or figures of a model, each with the error of its noise.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.evaluation.noisy_counts import CLEAR, Axis, NoisyCount, noisy_sums
from privxray.evaluation.noisy_histograms import (
    SPECIFICITY,
    WIDEST,
    ClassFigures,
    Measured,
    figures_of_class,
    mean_auc,
)
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import COUNTS, SCORES
from privxray.exchange.messages.summary import SummaryHeader
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.kept_file import read_kept
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.study_cost import answer_deviation, answer_noise
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round


@dataclass(frozen=True)
class Told:
    """A summary in figures.

    :ivar deviation: the standard deviation of the noise in each number of the sum.
    :ivar exact_hospitals: whether it is known how many hospitals are in the sum; otherwise all of the plan's
        are reckoned with, and the true deviation is no larger.
    :ivar counts: of a description. :ivar table: the same by class, band of age and sex at once.
    :ivar figures: of an evaluation, a class each. :ivar mean: their mean AUC.
    """

    plan: PlanHeader
    hospitals: int
    exact_hospitals: bool
    deviation: float
    counts: tuple[NoisyCount, ...] = ()
    table: tuple[tuple[tuple[float, ...], ...], ...] = ()
    figures: tuple[ClassFigures, ...] = ()
    mean: Measured | None = None

    @property
    def guarantee(self) -> Guarantee:
        """What a patient is promised of it."""
        return Guarantee(self.plan.epsilon, self.plan.delta)


def told_by(plan: PlanHeader, sums: Mapping[str, NDArray[Any]], hospitals: int | None = None) -> Told:
    """The figures in a summary.

    :param plan: of the round. :param sums: the summary's body.
    :param hospitals: how many are in the sum; None where that is not known here.
    """
    count = len(plan.roster.members) if hospitals is None else hospitals
    exact = hospitals is not None or plan.committee is None
    noise = answer_noise(Guarantee(plan.epsilon, plan.delta))
    deviation = answer_deviation(noise, plan.its_task, len(plan.classes)) * math.sqrt(count)
    if plan.its_task == "describe":
        cells = np.asarray(sums[COUNTS])
        counts = tuple(noisy_sums(cells, _axes(plan), deviation))
        table = tuple(tuple(tuple(map(float, row)) for row in part) for part in cells)
        return Told(plan, count, exact, deviation, counts=counts, table=table)
    edges = plan.edges or ()
    figures = tuple(
        figures_of_class(label, np.asarray(table), inner, deviation)
        for label, table, inner in zip(plan.classes, sums[SCORES], edges, strict=True)
    )
    return Told(plan, count, exact, deviation, figures=figures, mean=mean_auc(figures))


def told_of_round(session: Session, round_: Round, hospitals: int | None = None) -> Told | None:
    """The figures in the summary of a round that is kept here; None where there is none.

    :raises MalformedError: the copy is not the one that was verified.
    """
    if round_.summary is None:
        return None
    from privxray.formats.tensors import unpack

    path = session.workspace.summary_copy(round_.study, round_.number)
    _, body = read_kept(path, round_.summary, SummaryHeader)
    return told_by(load_plan(session.workspace, round_), unpack(body), hospitals)


def _axes(plan: PlanHeader) -> Sequence[Axis]:
    return (
        Axis("class", plan.classes),
        Axis("age", (*(plan.age_bands or ()), "unknown")),
        Axis("sex", (*(plan.sexes or ()), "unknown")),
    )


def rows(told: Told) -> list[tuple[str, str, str]]:
    """The table of a summary: what, which part, and the figure in words."""
    if told.plan.its_task == "describe":
        return [(one.by, one.name, count_in_words(one)) for one in told.counts]
    found = [("AUC", "mean of the classes", in_words(told.mean))]
    for one in told.figures:
        found.append(("AUC", f"{one.label} against the rest", in_words(one.auc)))
        name = f"{one.label}, at specificity {SPECIFICITY:g}"
        found.append(("sensitivity", name, in_words(one.sensitivity)))
    return found


def calibration_rows(told: Told) -> list[tuple[str, str, str, str]]:
    """The table of calibration: class, scores, noisy number of patients, share that is of the class.

    Bins whose share is not shown are left out.
    """
    return [
        (one.label, f"{step.low:.2f} to {step.high:.2f}", f"{step.patients:,.0f}", in_words(step.share))
        for one in told.figures
        for step in one.calibration
        if step.share is not None and step.share.is_shown
    ]


def count_in_words(count: NoisyCount) -> str:
    """A count with its standard error, and whether it can be told from none."""
    unclear = "" if count.is_clear else f" (below {CLEAR:g} standard errors: it may be none)"
    return f"{max(count.value, 0.0):,.0f} ± {count.error:,.0f}{unclear}"


def in_words(figure: Measured | None) -> str:
    """A figure with its interval, or why it is not shown."""
    if figure is None:
        return "not shown: too few patients for this noise"
    if not figure.is_shown:
        return f"not shown: its interval is wider than {WIDEST:g}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def remarks(told: Told) -> list[str]:
    """What everybody should know who reads the figures, in sentences without full stops."""
    most = "" if told.exact_hospitals else " at most"
    found = [
        f"Each number in the sum has noise of standard deviation {told.deviation:.3g}{most}: each of "
        f"{told.hospitals} hospitals has put the noise of {told.guarantee} on its own counts. All that "
        "follows from this sum tells of a patient at most what that allows, and none of it is of one hospital"
    ]
    if told.plan.its_task == "describe":
        found.append(
            "Behind each count stands its standard error. The true number is within two of them in 95 of "
            "100 cases, so one of so many counts may well be further off; a count below "
            f"{CLEAR:g} of them may be none. A patient counts once, by the class of most images"
        )
        return found
    if not calibration_rows(told):
        found.append("No bin of scores has enough patients for this noise to say anything of calibration")
    found.append(
        "In brackets is the 95 % interval, which holds both the noise and the chance of other patients. A "
        f"figure whose interval is wider than {WIDEST:g} is not shown. A patient's score is the mean over "
        "the patient's images, in bins, which lowers the AUC by some thousandths"
    )
    return found
