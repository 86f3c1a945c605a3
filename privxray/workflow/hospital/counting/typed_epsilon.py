"""Whether the epsilon of counts has to be typed: where an earlier plan of the study asked for less.

A study that was begun anew may have the key words that were compared before, so nobody would ask. ``status``
loads this module, which goes without numpy.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

from privxray.exchange.messages.plan import PlanHeader
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round


def less_before(session: Session, round_: Round, plan: PlanHeader) -> float | None:
    """The least epsilon of earlier plans here for the same task; None where it is not below this one's."""
    earlier = [one for one in session.state.rounds(round_.study) if one.number < round_.number]
    asked = [load_plan(session.workspace, one).epsilon for one in earlier if one.task == round_.task]
    return min(asked) if asked and min(asked) < plan.epsilon else None
