"""The plans of this workspace that repeat one another. Tested in tests/cli/test_repeated_rounds.py."""

from __future__ import annotations

from privxray.exchange.admission.repeating.repeat_chain import Chain
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.workflow.common.planned_round import planned_round
from privxray.workspace.session import Session


def chain_of(session: Session, plan: PlanHeader) -> Chain:
    """A plan and those whose round it repeats, as far as they were followed or made here."""
    rounds = {round_.plan: round_ for round_ in session.state.rounds(plan.study_name)}
    earlier: list[SignedPlan] = []
    newest = plan
    while plan.repeats is not None and plan.repeats.plan in rounds:
        signed = planned_round(session.workspace, rounds[plan.repeats.plan]).signed
        earlier.append(signed)
        plan = signed.plan
    return Chain(newest, tuple(earlier))
