"""The score of a model as rows of tables, for the terminal and for pages. Every cell is ready to print.

Tested in tests/cli/test_evaluate.py and tests/cli/test_report.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privxray.workflow.hospital.using_model.evaluate import Scores


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
            [words.metric_name(name), words.shown(one), *beside, "-" if always is None else f"{always:.3f}"]
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
