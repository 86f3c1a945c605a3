"""How the score of a model is shown. Tested in tests/cli/test_study.py and tests/cli/test_evaluate.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privxray.cli.output import counted, table, tell
from privxray.workflow.hospital.reporting.score_rows import (
    count_rows,
    group_rows,
    metric_rows,
    pneumonia_rows,
    reliability_rows,
)

if TYPE_CHECKING:
    from privxray.evaluation.resampling import Estimate
    from privxray.workflow.hospital.using_model.evaluate import Scores


def show_scores(scores: Scores) -> None:
    """Print a table of the metrics, beside those of the own training and of the most frequent class."""
    columns, rows = metric_rows(scores)
    table(
        f"{scores.model[0].upper()}{scores.model[1:]} on "
        f"{counted(scores.patients, 'held-out patient')} ({scores.split}), {counted(scores.images, 'image')}",
        columns,
        rows,
    )


def show_details(scores: Scores) -> None:
    """Print the counts behind the figures, calibration, the threshold and groups of patients."""
    table("Patients and images", ("class", "patients", "images", "recognised"), count_rows(scores))
    table(
        "Is it right as often as it says?",
        ("probability", "images", "said on average", "right"),
        reliability_rows(scores),
    )
    if scores.evaluation.pneumonia:
        table("Pneumonia or not", ("what", "value"), pneumonia_rows(scores))
    if scores.evaluation.groups:
        table("Groups of patients", ("group", "patients", "images", "macro AUC"), group_rows(scores))


def tell_meaning(scores: Scores) -> None:
    """Say in sentences what the figures mean; what looks spoilt comes first."""
    for alarm in scores.alarms:
        tell(f"Warning: {alarm}.")
    for sentence in [*scores.says(), *scores.caveats()]:
        tell(f"{sentence[0].upper()}{sentence[1:]}.")


def scores_json(scores: Scores) -> dict[str, object]:
    """What ``--json`` says of them."""
    found, point = scores.evaluation, scores.evaluation.pneumonia
    return {
        "model": scores.model,
        "split": scores.split,
        "patients": scores.patients,
        "images": scores.images,
        "left_out": scores.left_out,
        "metrics": dict(scores.metrics),
        "estimates": {name: _estimate(one) for name, one in found.metrics.items()},
        "own_training": None
        if scores.own is None
        else {name: _estimate(one) for name, one in scores.own.items()},
        "alarms": list(scores.alarms),
        "majority": {"label": scores.majority.label, "metrics": dict(scores.majority.metrics)},
        "classes": [
            {"label": c.label, "patients": c.patients, "images": c.images, "right": c.right}
            for c in found.classes
        ],
        "calibration": {
            "error": _estimate(found.calibration_error),
            "bins": [
                {"low": b.low, "high": b.high, "images": b.images, "said": b.said, "right": b.right}
                for b in found.reliability
            ],
        },
        "pneumonia": None
        if point is None
        else {
            "threshold": point.threshold,
            "sensitivity": {**_estimate(point.sensitivity), "found": point.found, "ill": point.ill},
            "specificity": {**_estimate(point.specificity), "passed": point.passed, "healthy": point.healthy},
            "fixed_on_the_same_patients": point.same_patients,
        },
        "groups": [
            {
                "group": one.name,
                "patients": one.patients,
                "images": one.images,
                "macro_auc": _estimate(one.macro_auc),
                "small": one.small,
            }
            for one in found.groups
        ],
        "says": scores.says(),
        "caveats": scores.caveats(),
        "fingerprints": {"model": scores.model_fingerprint or None, "data": scores.data_fingerprint},
        "seconds": {"features": scores.feature_seconds},
    }


def _estimate(one: Estimate) -> dict[str, Any]:
    return {"value": one.value, "low": one.low, "high": one.high}
