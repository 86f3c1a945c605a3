"""How the score of a model is shown. Tested in tests/cli/test_study.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privxray.cli.output import table

if TYPE_CHECKING:
    from privxray.workflow.hospital.evaluate import Scores


def show_scores(scores: Scores) -> None:
    """Print a table of the metrics."""
    table(
        f"{scores.model[0].upper()}{scores.model[1:]} on {scores.patients} held-out patients "
        f"({scores.split}), {scores.images} images",
        ("metric", "value"),
        (
            (name.replace("_", " "), None if value is None else f"{value:.3f}")
            for name, value in scores.metrics.items()
        ),
    )


def scores_json(scores: Scores) -> dict[str, object]:
    """What ``--json`` says of them."""
    return {
        "model": scores.model,
        "split": scores.split,
        "patients": scores.patients,
        "images": scores.images,
        "left_out": scores.left_out,
        "metrics": dict(scores.metrics),
        "seconds": {"features": scores.feature_seconds},
    }
