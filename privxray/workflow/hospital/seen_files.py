"""Which files of its coordinator a party has seen: what a plan says of them is held against it.

Tested in tests/attacks/test_equivocation.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.admission.admit_heads import Own
from privxray.formats.header import Digest, Fingerprint
from privxray.workflow.common.planned_round import PlannedRound, load_plan
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.study_tables import Round


def seen_here(state: State, party: Fingerprint, before: PlannedRound | None) -> Own:
    """What a party knows of its own when it is to follow a plan.

    :param before: the round of the plan that it followed last.
    """
    if before is None:
        return Own(party)
    answered = state.answer_of(before.round.plan)
    result = before.round.model or before.round.summary
    return Own(party, before.signed, answered.request if answered else None, result)


def expect_in_later_plan(session: Session, round_: Round, result: Digest) -> None:
    """Check that the plan after a round's, where it is followed here already, names the round's result.

    :raises RefusedError: it names another one, or says that there is none.
    """
    later = [other for other in session.state.rounds(round_.study) if other.number > round_.number]
    following = load_plan(session.workspace, later[0]) if later else None
    if following is None or following.previous != round_.plan or following.since is None:
        return
    if following.since.result != result:
        raise RefusedError(
            f"the plan of round {following.round}, which is followed here, names another result of round "
            f"{round_.number}, or none",
            reason="model.not-in-later-plan",
            advice="Do not use it; phone the other hospitals, and compare the words of this model: privxray "
            "verify FILE",
        )
