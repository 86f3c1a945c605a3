"""How a summary is shown to coordinator and hospitals. Tested in tests/cli/test_tasks.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import table, tell

if TYPE_CHECKING:
    from privxray.evaluation.noisy_histograms import Measured
    from privxray.workflow.common.summary_told import Told


def show_summary(told: Told) -> None:
    """Print the figures of a summary, and what they mean."""
    from privxray.workflow.common.summary_told import calibration_rows, remarks, rows

    described = told.plan.its_task == "describe"
    what = "Patients of all hospitals" if described else "The model on held-out patients of all hospitals"
    heads = ("by", "", "patients ± standard error") if described else ("figure", "of", "value")
    table(f"{what}: {told.plan.study}, round {told.plan.round}", heads, rows(told))
    calibration = [] if described else calibration_rows(told)
    if calibration:
        title = "Calibration: of the patients with such a score, how many are of the class"
        table(title, ("class", "score", "patients", "share"), calibration)
    for remark in remarks(told):
        tell(f"{remark}.")


def summary_json(told: Told) -> dict[str, object]:
    """What ``--json`` says of the figures of a summary. A figure that is not shown is null."""
    head: dict[str, object] = {
        "task": told.plan.its_task,
        "guarantee": told.guarantee.to_json(),
        "deviation": told.deviation,
    }
    if told.plan.its_task == "describe":
        counts = [
            {"by": one.by, "name": one.name, "patients": one.value, "error": one.error, "clear": one.is_clear}
            for one in told.counts
        ]
        return {**head, "counts": counts, "table": [[list(row) for row in part] for part in told.table]}
    classes = [
        {
            "class": one.label,
            "auc": _figure(one.auc),
            "sensitivity": _figure(one.sensitivity),
            "roc": [list(point) for point in one.roc] if one.auc is not None and one.auc.is_shown else [],
            "calibration": [
                {"low": step.low, "high": step.high, "patients": step.patients, "share": _figure(step.share)}
                for step in one.calibration
            ],
        }
        for one in told.figures
    ]
    return {**head, "auc": _figure(told.mean), "classes": classes}


def _figure(figure: Measured | None) -> dict[str, float] | None:
    if figure is None or not figure.is_shown:
        return None
    return {"value": figure.value, "low": figure.low, "high": figure.high}
