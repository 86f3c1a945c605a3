"""What a training may cost: the choice of epsilon, the noise that it comes to, and its charge in the ledger.

The noise is calibrated by the accountant that admits, over the events of the stages before this one and as
many further stages as the plan has. So a smaller epsilon at a later stage is honoured as far as what was
spent before allows.

Tested in tests/cli/test_ledger.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

import math
import os

from privxray.errors import STATUS_SAYS, BudgetError, RefusedError, UsageError
from privxray.exchange.messages.plan import PlanHeader
from privxray.privacy.accountant import guarantee
from privxray.privacy.ledger_chain import Book
from privxray.workflow.hospital.local_training.training import Training, remaining
from privxray.workflow.ledger.runs import charged_outside, default_epsilon
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round


def choose_epsilon(asked: float | None, training: Training) -> float:
    """The epsilon of the whole study: as asked, else the least that was ever chosen for it, else the plan's.

    :raises UsageError: not a number above 0.
    :raises BudgetError: more than the plan's; or nothing was asked, and the study has cost something in a
        round that was given up after its export. A new training adds to that, so its epsilon has to be typed.
    """
    plan, state, ledger = training.plan, training.session.state, training.ledger
    if asked is None:
        if charged_outside(state, ledger.charged(), training.round):
            spent = guarantee(ledger.events(plan.study), plan.delta)
            raise BudgetError(
                f"this study has cost {spent} here already, in a round that was given up, and training again "
                "adds to it; nothing was spent",
                reason="budget.paid-before",
                advice="Say how much: privxray train --epsilon E",
            )
        return default_epsilon(state, plan)
    if not (asked > 0 and math.isfinite(asked)):
        raise UsageError(
            f"epsilon can't be '{asked:g}': it has to be a number above 0",
            reason="epsilon.not-positive",
            advice=f"Type a number up to the plan's, for example: privxray train --epsilon {plan.epsilon:g}",
        )
    if asked > plan.epsilon:
        raise BudgetError(
            f"epsilon {asked:g} is more than the {plan.epsilon:g} that the plan allows; nothing was spent",
            reason="budget.above-plan",
            advice=f"Type: privxray train --epsilon {plan.epsilon:g}",
        )
    return asked


def possible_epsilon(state: State, round_: Round, plan: PlanHeader, book: Book) -> float | None:
    """What a training has to be asked for, where the lifetime limit does not allow what ``train`` takes.

    :param round_: joined and not trained, and nothing is charged for it.
    :returns: None where the limit allows the default; 0 where it allows nothing.
    """
    left = remaining(state, round_, plan, book)
    try:
        noise = left.noise(default_epsilon(state, plan))
        if book.admits(left.method.round_events(left.constants, noise)):
            return None
    except BudgetError:
        pass
    return left.largest_epsilon(book)


def reserve(training: Training, epsilon: float) -> Training:
    """Fix the noise and a fresh key for the results in the state, and charge the ledger, or refuse.

    :returns: the training with its noise and key. One that was charged before with the same epsilon goes on.
    :raises BudgetError: the lifetime limit; nothing was spent, and the choice is forgotten. It says which
        epsilon is still possible.
    :raises RefusedError: noise was drawn already with another epsilon.
    :raises MalformedError: noise was drawn already, and the state does not know of it.
    """
    ledger, round_, run = training.ledger, training.round, training.run
    charged = ledger.state(round_.study, run)
    training.expect_known(charged)
    if charged is not None and round_.epsilon == epsilon:
        return training
    if charged == "reserved":
        ledger.withdraw(round_.study, run)
    elif charged is not None:
        raise another_epsilon(round_)
    noise = training.remaining().noise(epsilon)
    chosen = training.chosen(epsilon=epsilon, noise=noise, vector_key=os.urandom(32))
    try:
        ledger.reserve(round_.study, run, chosen.events(), training.promise)
    except BudgetError as refusal:
        forgotten = chosen.chosen(epsilon=None, noise=None, vector_key=None)
        refusal.advice = what_is_left(forgotten)
        raise
    return chosen


def another_epsilon(round_: Round) -> RefusedError:
    """The refusal of an epsilon other than the one that a round's noise was drawn for."""
    return RefusedError(
        f"round {round_.number} was trained with epsilon {round_.epsilon:g}, and that can't be changed",
        reason="round.other-epsilon",
        advice=STATUS_SAYS,
    )


def what_is_left(training: Training) -> str:
    """What a refusal by the lifetime limit advises: the largest epsilon that is still possible."""
    possible = training.remaining().largest_epsilon(training.ledger)
    if possible <= 0:
        return "Nothing is left for this study: the lifetime limit is reached (privxray budget)"
    option = f" --study {training.plan.study}" if len(training.session.state.studies()) > 1 else ""
    return f"The largest that is still possible here: privxray train --epsilon {possible:g}{option}"
