"""The rules for a summary; their order is that of :mod:`privxray.exchange.admission`.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit import belongs
from privxray.exchange.messages.plan import SignedPlan
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.exchange.messages.summary import SummaryHeader
from privxray.formats.container import Envelope

_CALL = "Call the coordinator"


def admit_summary(envelope: Envelope, signed: SignedPlan) -> SummaryHeader:
    """A summary of a plan that was joined here.

    :raises IdentityError: not signed by the plan's coordinator.
    :raises RefusedError: of another study, plan or round, or not what the plan describes.
    """
    plan = signed.plan
    envelope.expect("summary")
    if envelope.key_id != plan.sender:
        raise IdentityError(
            "this summary is signed by someone other than the study's coordinator",
            reason="summary.other-coordinator",
            advice=_CALL,
        )
    summary = envelope.verify(plan.coordinator.verifier(), SummaryHeader)
    belongs(summary, signed)
    said = (summary.sender, summary.task, summary.method, summary.constants, summary.classes,
            summary.features_by, summary.epsilon, summary.delta)  # fmt: skip
    planned = (plan.sender, plan.its_task, plan.method, plan.constants, plan.classes,
               plan.features_by, plan.epsilon, plan.delta)  # fmt: skip
    if said != planned or plan.its_task not in COUNTED:
        raise RefusedError(
            "this summary is not what its plan describes", reason="summary.not-as-planned", advice=_CALL
        )
    return summary
