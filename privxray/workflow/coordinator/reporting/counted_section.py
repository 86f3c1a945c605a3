"""What the hospitals have counted together, as a section of the study's page.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.reports.charts import Words, roc_chart
from privxray.reports.study_page import Counted
from privxray.reports.training_page import Chart
from privxray.workflow.common.summary_told import Told, calibration_rows, in_words, remarks, rows


def counted_section(told: Told) -> Counted:
    """The section of one summary."""
    described = told.plan.its_task == "describe"
    return Counted(
        title=f"Patients, as the hospitals counted them in round {told.plan.round}"
        if described
        else f"The model on held-out patients of all hospitals, in round {told.plan.round}",
        heads=["by", "which", "patients ± standard error"] if described else ["figure", "of", "value"],
        rows=[list(row) for row in rows(told)],
        curves=list(_curves(told)),
        calibration=[list(row) for row in calibration_rows(told)],
        remarks=remarks(told),
    )


def _curves(told: Told) -> Iterator[Chart]:
    """The ROC curve of each class whose AUC is shown."""
    for number, one in enumerate(told.figures):
        if one.auc is not None and one.auc.is_shown:
            says = f"{one.label} against the rest: AUC {in_words(one.auc)}"
            axes = ("false positive rate", "true positive rate")
            key = f"roc-{told.plan.round}-{number}"
            yield Chart(roc_chart(Words(key, f"ROC of {one.label}", says, *axes), one.roc), says)
