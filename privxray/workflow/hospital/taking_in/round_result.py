"""What a party checks of any result of a round, a model or a summary, before it looks at what kind it is.

Tested in tests/cli/test_study.py and tests/cli/test_tasks.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError
from privxray.exchange.intake import Received
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.summary import SummaryHeader
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.ledger.open_ledger import RESTORED
from privxray.workspace.session import Session
from privxray.workspace.transitions import RoundState


def round_of_result(
    session: Session, received: Received, kind: type[ModelHeader] | type[SummaryHeader]
) -> PlannedRound:
    """The round whose plan a result says it came of. Its coordinator's signature is demanded afterwards.

    :raises RefusedError: this party keeps no results, or follows no such plan.
    """
    what = received.envelope.kind
    if session.role == "trustee":
        raise RefusedError(
            "a trustee keeps no models and no summaries",
            reason="accept.model-at-trustee",
            advice="Accept only the next plan",
        )
    claimed = received.envelope.claim(kind)
    found = [r for r in session.state.rounds(claimed.study) if r.plan == claimed.plan]
    if not found:
        raise RefusedError(
            f"this {what} is of a study or plan that was not joined here",
            reason="model.unknown-plan",
            advice="Ask the coordinator; privxray inspect FILE names the study and round that it came from",
        )
    return planned_round(session.workspace, found[0])


def expect_delivered(session: Session, planned: PlannedRound, received: Received) -> None:
    """In a strict round no result can be true that this hospital has given nothing for.

    :raises RefusedError: it has not exported, or was restored from a backup and can't know whether it has.
    """
    delivered = planned.round.state in (RoundState.EXPORTED, RoundState.CLOSED)
    what = received.envelope.kind
    if planned.plan.committee is None and not delivered:
        if planned.round.state is RoundState.VOID and session.state.setting(RESTORED):
            raise RefusedError(
                f"this workspace was restored from a backup, which does not say that it exported in round "
                f"{planned.round.number}, so this {what} can't be checked here",
                reason="model.before-the-restore",
                advice="Ask another hospital whether it has the same one (privxray verify FILE there); "
                "results of later rounds are accepted as always",
            )
        raise RefusedError(
            f"this hospital has not exported in that round, so no {what} of it can be true",
            reason="model.without-this-hospital",
            advice="Ask the coordinator how it was made",
        )


def second_of_round(received: Received) -> RefusedError:
    """The refusal of a result of a round of which another one was accepted."""
    what = received.envelope.kind
    return RefusedError(
        f"another {what} of this round was accepted before",
        reason="model.second-of-round",
        advice=f"A coordinator signs one {what} a round: ask which hospitals got which",
    )
