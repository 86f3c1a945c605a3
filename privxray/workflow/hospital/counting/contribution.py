"""One noisy answer about all patients: reserved in the ledger, drawn once, kept until its export.

The order is that of :mod:`privxray.workflow.hospital.local_training.train`, for the same reasons: the choice
of noise and key is durable before the ledger is charged, the charge before the noise is drawn, and the noise
is kept before anything is made of it. So a crash at any instruction neither draws an answer twice nor draws
one for nothing.

Each hospital puts the whole noise on its own counts. A sum of n hospitals then has n times the variance, and
the promise of each holds whatever the others do.

Tested in tests/cli/test_tasks.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privxray.errors import STATUS_SAYS, BudgetError, UsageError
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.header import TaskName
from privxray.naming.patient_id import PatientKey
from privxray.privacy.events import Event as PrivacyEvent
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.study_cost import answer_deviation, answer_events, answer_noise
from privxray.workflow.hospital.counting.typed_epsilon import less_before
from privxray.workflow.hospital.open_round import left_out, open_round, too_late
from privxray.workflow.hospital.paid_round import PaidRound
from privxray.workflow.hospital.patients_beyond import patients_beyond
from privxray.workflow.hospital.training_results import remove_unreadable, saved_vector
from privxray.workflow.ledger.open_ledger import open_ledger
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import Event, RoundState

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Contributed:
    """What was contributed, in terms of privacy only: no number that depends on the data.

    ``spent`` is what this study has cost a patient so far, at the plan's delta; ``lifetime`` what all
    studies have, at that of the ledger and its ``limit``. ``deviation`` is the standard deviation of the
    noise in each count. ``remarks`` depend on the number of patients, and are for the hospital's own
    screen.
    """

    plan: PlanHeader
    spent: Guarantee
    lifetime: Guarantee
    limit: Guarantee
    deviation: float
    already: bool
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contribution(PaidRound):
    """A round that takes one answer."""

    def events(self) -> list[PrivacyEvent]:
        """What it costs with the noise that was chosen."""
        return answer_events(self.noise)


def open_contribution(
    session: Session, task: TaskName, *, study: str | None, epsilon: float | None
) -> Contribution:
    """The open round as one that takes an answer.

    :param epsilon: as it was typed; it can only be the plan's, for all hospitals have the same noise.
    :raises UsageError: another epsilon than the plan's was typed.
    :raises BudgetError: an earlier plan asked for less, and no epsilon was typed.
    :raises RefusedError: the plan is for another task, or it is too late.
    """
    round_ = open_round(session, study, task)
    plan = load_plan(session.workspace, round_)
    if epsilon not in (None, plan.epsilon):
        raise UsageError(
            f"the plan has this hospital {task} at epsilon {plan.epsilon:g}, and {epsilon:g} was typed; "
            "nothing was spent",
            reason="epsilon.not-the-plans",
            advice=f"If that is too much, tell the coordinator; else type {plan.epsilon:g}, or leave it out",
        )
    remove_unreadable(session)
    ledger = open_ledger(session)
    if epsilon is None and round_.state is RoundState.JOINED and round_.epsilon is None:
        _expect_no_dearer(session, round_, plan)
    if round_.state is RoundState.JOINED and left_out(session, round_):
        raise too_late()
    return Contribution(session, ledger, round_, plan)


def _expect_no_dearer(session: Session, round_: Round, plan: PlanHeader) -> None:
    """:raises BudgetError: the plan asks for more than an earlier one, and nobody typed how much."""
    before = less_before(session, round_, plan)
    if before is not None:
        raise BudgetError(
            f"the plan asks for epsilon {plan.epsilon:g}, and an earlier plan of this study for {before:g}; "
            "nothing was spent",
            reason="epsilon.more-than-before",
            advice=STATUS_SAYS,
        )


def reserve_answer(paid: Contribution) -> Contribution:
    """Fix the noise and a fresh key in the state, and charge the ledger, or refuse.

    :returns: the round with its noise and key. One that was charged before goes on.
    :raises BudgetError: the lifetime limit; nothing was spent, and the choice is forgotten.
    :raises MalformedError: noise was drawn already, and the state does not know of it.
    """
    charged = paid.ledger.state(paid.round.study, paid.run)
    paid.expect_known(charged)
    if charged is not None and paid.round.epsilon is not None:
        return paid
    noise = answer_noise(Guarantee(paid.plan.epsilon, paid.plan.delta))
    chosen = paid.chosen(epsilon=paid.plan.epsilon, noise=noise, vector_key=os.urandom(32))
    try:
        paid.ledger.reserve(paid.round.study, paid.run, chosen.events(), paid.promise)
    except BudgetError as refusal:
        chosen.chosen(epsilon=None, noise=None, vector_key=None)
        refusal.advice = "Tell the coordinator that this hospital can't take part (privxray budget)"
        raise
    return chosen


def contribute(paid: Contribution, exact: Counts, patients: Collection[PatientKey]) -> Contributed:
    """Draw the noise of a reserved round, and keep the noisy answer as what the round exports.

    :param exact: the counts without noise. They are not looked at where an answer was drawn before.
    :param patients: who was counted. That is noted before the noise is drawn, for a later withdrawal.
    :raises BudgetError: the answer was drawn, and is gone.
    """
    session, round_, ledger = paid.session, paid.round, paid.ledger
    (spec,) = paid.plan.manifest
    if ledger.state(round_.study, paid.run) != "released":
        paid.expect_charged(paid.events())
        ledger.begin(round_.study, paid.run)
        result = saved_vector(session, round_)
        if result.load(0) is None:
            with session.state.transaction():
                session.state.note_counted(round_.study, round_.trained_in, patients)
            answer = paid.drawing(None).noisy_sum(0, lambda: _fitting(exact, spec.shape), _deviation(paid))
            result.save(0, {spec.name: answer})
        ledger.finish(round_.study, paid.run)
    with session.state.transaction():
        session.state.change_round("hospital", round_, Event.TRAIN)
    shutil.rmtree(paid.folder / "steps", ignore_errors=True)
    return contributed(paid, len(patients))


def contributed(paid: Contribution, patients: int, *, already: bool = False) -> Contributed:
    """What is told of a round whose answer is drawn."""
    plan, ledger = paid.plan, paid.ledger
    return Contributed(
        plan=plan,
        spent=ledger.cost(plan.study, plan.delta),
        lifetime=ledger.cost(),
        limit=ledger.limit,
        deviation=_deviation(paid),
        already=already,
        remarks=tuple(patients_beyond(patients, plan, public_keys(paid.session.workspace), counted=True)),
    )


def _deviation(paid: Contribution) -> float:
    """Of the noise in each count."""
    return answer_deviation(paid.noise, paid.plan.its_task, len(paid.plan.classes))


def _fitting(exact: Counts, shape: Sequence[int]) -> Counts:
    if exact.shape != tuple(shape):
        raise ValueError("counts of another shape than the plan's")
    return exact
