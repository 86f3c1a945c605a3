"""What the counts of a study will be able to show, by its noise alone: known before anybody contributes.

Tested in tests/unit/test_summary_told.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from privxray.evaluation.noisy_histograms import BINS, least_patients
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import ScheduleEntry
from privxray.imaging.labelling.patient_traits import AGE_BANDS, SEXES
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.study_cost import answer_deviation, answer_noise


def what_counts_show(plan: PlanHeader) -> Iterator[tuple[str, str]]:
    """For each task that only counts patients, what is asked and what its epsilon lets it show."""
    for entry in plan.its_schedule:
        if entry.task == "describe":
            cells = (len(AGE_BANDS) + 1) * (len(SEXES) + 1)
            error = _deviation(plan, entry) * math.sqrt(cells)
            yield (
                "what the description shows",
                f"how many patients a class has, to {error:,.0f} (one standard error; 95 of 100 are within "
                "two)",
            )
        if entry.task == "evaluate":
            least = math.ceil(least_patients(_deviation(plan, entry), BINS))
            yield (
                "what the evaluation shows",
                f"the AUC of a class only where it has {least:,} held-out patients or more over all "
                "hospitals, and as many others; docs/BENCHMARKS.md says how well it is then known",
            )


def _deviation(plan: PlanHeader, entry: ScheduleEntry) -> float:
    """Of the noise in each number of the sum of all hospitals of the plan."""
    noise = answer_noise(Guarantee(entry.epsilon, plan.delta))
    return answer_deviation(noise, entry.task, len(plan.classes)) * math.sqrt(len(plan.roster.members))
