"""Which files of its coordinator a party has seen: what a plan says of them, and brings, is held against it.

Tested in tests/attacks/test_equivocation.py and tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from pathlib import Path

from privxray.errors import RefusedError
from privxray.exchange.admission.admit_heads import Own
from privxray.exchange.intake import envelope_of
from privxray.exchange.messages.model import ModelHeader
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.header import Digest, Fingerprint
from privxray.workflow.common.planned_round import PlannedRound, load_plan
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round


def seen_here(state: State, party: Fingerprint, before: PlannedRound | None) -> Own:
    """What a party knows of its own when it is to follow a plan.

    :param before: the round of the plan that it followed last.
    """
    if before is None:
        return Own(party)
    answered = state.answer_of(before.round.plan)
    return Own(party, before.signed, answered.request if answered else None, before.round.result)


def expect_own_model(session: Session, plan: PlanHeader, before: PlannedRound | None) -> None:
    """Check that a plan trains on the model of the round before that was accepted here.

    A new coordinator may know another one, which :mod:`.plan_changes` shows. What is evaluated,
    :mod:`.check_evaluated` looks at.

    :raises RefusedError: it trains on another model.
    """
    if before is None or before.round.model is None or plan.sender != before.plan.sender:
        return
    if plan.its_task != "train":
        return
    kept = session.workspace.model_copy(before.round.study, before.round.number)
    if kept.exists() and not _brings(plan, before.plan, before.round.model, kept_body(kept)):
        raise RefusedError(
            f"the plan trains on another model than the one of round {before.round.number} that was accepted "
            "here",
            reason="plan.other-trained-model",
            advice="Don't follow it; phone the other hospitals, and compare the words of the models that "
            "each has: privxray verify FILE",
        )


def expect_later_plan_brings(session: Session, planned: PlannedRound, digest: Digest, body: Digest) -> None:
    """Check that the plan after a round's, where it is followed here already, goes on from this model.

    :param digest: of the model's header. :param body: of its body.
    :raises RefusedError: it trains on, or evaluates, another one.
    """
    following = _plan_after(session, planned.round)
    if following is None or following.sender != planned.plan.sender:
        return
    if not _brings(following, planned.plan, digest, body):
        raise RefusedError(
            f"the plan of round {following.round}, which is followed here, goes on from another model of "
            f"round {planned.round.number}",
            reason="model.not-what-later-plan-brings",
            advice="Do not use it; phone the other hospitals, and compare the words of this model: privxray "
            "verify FILE",
        )


def kept_body(model: Path) -> Digest:
    """The digest of the body of a model that is kept here."""
    return envelope_of(model).claim(ModelHeader).body.sha256


def _brings(plan: PlanHeader, before: PlanHeader, digest: Digest, body: Digest) -> bool:
    """Whether a plan brings this model of the plan before, if it brings that plan's at all."""
    if plan.place != before.next_place or not plan.carries_model:
        return True
    return plan.body.sha256 == body and plan.model in (None, digest)


def expect_in_later_plan(session: Session, round_: Round, result: Digest) -> None:
    """Check that the plan after a round's, where it is followed here already, names the round's result.

    :raises RefusedError: it names another one, or says that there is none.
    """
    following = _plan_after(session, round_)
    if following is None or following.since is None:
        return
    if following.since.result != result:
        raise RefusedError(
            f"the plan of round {following.round}, which is followed here, names another result of round "
            f"{round_.number}, or none",
            reason="model.not-in-later-plan",
            advice="Do not use it; phone the other hospitals, and compare the words of this model: privxray "
            "verify FILE",
        )


def _plan_after(session: Session, round_: Round) -> PlanHeader | None:
    """The plan that came after a round's, where it is followed here; None where it is not."""
    later = [other for other in session.state.rounds(round_.study) if other.number > round_.number]
    following = load_plan(session.workspace, later[0]) if later else None
    return following if following is not None and following.previous == round_.plan else None
