"""The sheet of an evaluation for the ethics file. Tested in tests/cli/test_evaluate.py."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from privxray.reports.evaluation_page import EvaluationPage
from privxray.version import __version__
from privxray.workflow.hospital.reporting import score_rows

if TYPE_CHECKING:
    from privxray.workflow.hospital.using_model.evaluate import Scores


def evaluation_sheet(scores: Scores, hospital: str) -> str:
    """The page as HTML text.

    :param hospital: its name.
    """
    left_out = [("Left out, for they were trained on", str(scores.left_out))] if scores.left_out else []
    columns, metrics = score_rows.metric_rows(scores)
    page = EvaluationPage(
        title=f"Evaluation of {scores.model} at {hospital}",
        verdicts=scores.says(),
        facts=[
            ("Model", scores.model),
            ("Its fingerprint", scores.model_fingerprint or "none: it has not left this hospital"),
            ("Split", scores.split),
            ("Held-out patients", f"{scores.patients}, with {scores.images} images"),
            *left_out,
            ("Fingerprint of the data", scores.data_fingerprint),
        ],
        columns=columns,
        metrics=metrics,
        counts=score_rows.count_rows(scores),
        pneumonia=score_rows.pneumonia_rows(scores),
        reliability=score_rows.reliability_rows(scores),
        groups=score_rows.group_rows(scores),
        caveats=scores.caveats(),
    )
    return page.html(__version__, datetime.now().astimezone().strftime("%Y-%m-%d %H:%M (UTC%z)"))
