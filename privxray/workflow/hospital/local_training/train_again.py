"""Training a round once more before its export, on data that were corrected since.

What the first training cost stays charged, so a second one adds to it. Everything that could refuse the
second training is asked before the first result is destroyed.

Tested in tests/cli/test_trained_on.py.
"""

from __future__ import annotations

from privxray.errors import BudgetError, RefusedError
from privxray.privacy.accountant import guarantee
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.hospital.kept_vector import sent_before
from privxray.workflow.hospital.local_training.reserve_budget import choose_epsilon
from privxray.workflow.hospital.local_training.training import Training
from privxray.workflow.hospital.training_results import remove_unreadable
from privxray.workflow.ledger.runs import next_run
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import Event


def cost_of_another(training: Training) -> Guarantee:
    """What the study would have cost a patient after training this round once more with the same noise."""
    events = [*training.ledger.events(training.round.study), *training.events()]
    return guarantee(events, training.plan.delta)


def destroy_result(training: Training, epsilon: float | None) -> Round:
    """Destroy the result of a round that was trained and not exported; the round is to be trained anew.

    :param epsilon: what the new training is to cost.
    :raises RefusedError: the round repeats a result that has left.
    :raises BudgetError: none was typed, or the plan or the lifetime limit does not allow it. Nothing was
        destroyed.
    """
    session, round_ = training.session, training.round
    if sent_before(round_):
        raise RefusedError(
            f"round {round_.number} repeats a result of this hospital that has left, and its plan takes no "
            "other",
            reason="train.again-in-repetition",
            advice="To train anew, or to be left out (privxray waive), ask the coordinator to repeat the "
            "round once more",
        )
    if epsilon is None:
        raise BudgetError(
            "training again costs as much again: this study would then have cost "
            f"{cost_of_another(training)}; nothing was spent",
            reason="budget.again",
            advice=f"If you want that, type: privxray train --again --epsilon {round_.epsilon:g}",
        )
    chosen = choose_epsilon(epsilon, training)
    noise = training.remaining().noise(chosen)
    training.ledger.expect_room(training.method.round_events(training.task.constants, noise))
    state = session.state
    with state.transaction():
        next_run(state, round_)
        state.forget_saved_releases(round_.study, round_.trained_in)
        state.change_round("hospital", round_, Event.DESTROY, epsilon=None, noise=None, vector_key=None)
    remove_unreadable(session)
    return state.rounds(round_.study)[-1]
