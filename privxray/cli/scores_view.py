"""How the score of a model is shown. Tested in tests/cli/test_study.py and tests/cli/test_evaluate.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privxray.cli.output import counted, table, tell

if TYPE_CHECKING:
    from privxray.evaluation.resampling import Estimate
    from privxray.workflow.hospital.evaluate import Scores


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


def metric_rows(scores: Scores) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and a row for each metric."""
    from privxray.evaluation import words

    found = {**scores.evaluation.metrics, "calibration error": scores.evaluation.calibration_error}
    own = scores.own or {}
    columns = ["metric", "value (95 % interval)", *(["own training"] if own else [])]
    columns.append(f"always {scores.majority.label}")
    rows = []
    for name, one in found.items():
        always = scores.majority.metrics.get(name)
        beside = [words.shown(own[name]) if name in own else "-"] if own else []
        rows.append(
            [name.replace("_", " "), words.shown(one), *beside, "-" if always is None else f"{always:.3f}"]
        )
    return columns, rows


def count_rows(scores: Scores) -> list[list[str]]:
    """A row for each class."""
    return [
        [one.label, str(one.patients), str(one.images), f"{one.right} of {one.images}"]
        for one in scores.evaluation.classes
    ]


def reliability_rows(scores: Scores) -> list[list[str]]:
    """A row for each bin that has images."""
    return [
        [f"{one.low:.1f} to {one.high:.1f}", str(one.images), f"{one.said:.3f}", f"{one.right:.3f}"]
        for one in scores.evaluation.reliability
        if one.said is not None and one.right is not None
    ]


def pneumonia_rows(scores: Scores) -> list[tuple[str, str]]:
    """Sensitivity and specificity, with the images behind them."""
    from privxray.evaluation import words

    point = scores.evaluation.pneumonia
    if point is None:
        return []
    return [
        ("threshold", f"{point.threshold:.3f}, fixed on val: the highest that finds 9 of 10 there"),
        ("sensitivity", f"{words.shown(point.sensitivity)}: found {point.found} of {point.ill} images"),
        ("specificity", f"{words.shown(point.specificity)}: passed {point.passed} of {point.healthy} images"),
    ]


def group_rows(scores: Scores) -> list[list[str]]:
    """A row for each group of patients."""
    from privxray.evaluation import words

    return [
        [one.name, str(one.patients), str(one.images), words.shown(one.macro_auc)]
        for one in scores.evaluation.groups
    ]


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
