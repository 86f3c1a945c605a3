"""What the hospitals have counted together, as a section of the study's page.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from privxray.reports.study_page import Counted
from privxray.workflow.common.summary_told import Told, calibration_rows, remarks, rows


def counted_section(told: Told) -> Counted:
    """The section of one summary."""
    described = told.plan.its_task == "describe"
    return Counted(
        title=f"Patients, as the hospitals counted them in round {told.plan.round}"
        if described
        else f"The model on held-out patients of all hospitals, in round {told.plan.round}",
        heads=["by", "which", "patients ± standard error"] if described else ["figure", "of", "value"],
        rows=[list(row) for row in rows(told)],
        calibration=[list(row) for row in calibration_rows(told)],
        remarks=remarks(told),
    )
