"""Whether a plan evaluates the model that this hospital has accepted, before anything is charged for it.

Tested in tests/unit/test_patient_counts.py and tests/cli/test_tasks.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.workflow.common.kept_file import read_kept
from privxray.workspace.session import Session


def check_evaluated(session: Session, plan: PlanHeader) -> None:
    """Hold a plan's model against the newest one that was accepted here; without one the plan's is taken.

    :raises RefusedError: it is another model.
    """
    if plan.its_task != "evaluate":
        return
    accepted = [(r.number, r.model) for r in session.state.rounds(plan.study) if r.model is not None]
    if not accepted:
        return
    number, model = accepted[-1]
    header, _ = read_kept(session.workspace.model_copy(plan.study_name, number), model, ModelHeader)
    if (plan.model, plan.body.sha256) != (model, header.body.sha256):
        raise RefusedError(
            f"the plan evaluates another model than that of round {number}, the newest one here",
            reason="plan.other-model",
            advice="Accept the study's last model first, if it has come: privxray accept FILE. Else call "
            "the coordinator",
        )
