"""A round's training as one thing: what it is done with, what it costs, and what it is charged as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from privxray.errors import BudgetError
from privxray.exchange.messages.plan import PlanHeader
from privxray.learning import methods
from privxray.learning.constants import MethodConstants
from privxray.learning.interface import AnyMethod, Task
from privxray.privacy.accountant import epsilon as epsilon_of
from privxray.privacy.affordable import least_scale
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger, floored
from privxray.privacy.ledger_chain import Book
from privxray.workflow.common.planned_round import planned_round
from privxray.workflow.hospital.paid_round import PaidRound
from privxray.workflow.ledger.runs import attempt_of, run_name
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round


@dataclass(frozen=True)
class Remaining:
    """The rounds that a study has left, this one included, as the accountant sees them.

    :param delta: of the study's plan.
    :param rounds: how many are left, at least 1.
    :param before: what the stages before have cost.
    """

    method: AnyMethod
    constants: MethodConstants
    delta: float
    rounds: int
    before: Sequence[Event]

    def events(self, noise: float) -> list[Event]:
        """What all of them cost at a noise scale."""
        return self.rounds * self.method.round_events(self.constants, noise)

    def noise(self, epsilon: float) -> float:
        """The least noise scale with which the whole study costs at most ``epsilon``.

        :raises BudgetError: the stages before have cost as much already.
        """
        limit = Guarantee(epsilon, self.delta)
        return self.method.plan_noise(self.constants, limit, rounds_left=self.rounds, past=self.before)

    def largest_epsilon(self, ledger: Ledger | Book) -> float:
        """The largest epsilon, in hundredths, with which all of them fit the ledger; 0 where none does.

        First the least noise that the ledger admits for these rounds, then what the study costs at its plan's
        delta with that noise.
        """
        try:
            noise = least_scale(self.events, ledger.limit, past=ledger.events())
            possible = floored(epsilon_of([*self.before, *self.events(noise)], self.delta))
            while possible > 0:  # one or two steps down: rounding may have gone past what is admitted
                events = self.events(self.noise(possible))
                if ledger.admits(events):
                    return possible
                possible = floored(possible - 0.005)
        except BudgetError:
            pass
        return 0.0


@dataclass(frozen=True)
class Training(PaidRound):
    """The training of one round, with all that its steps share."""

    method: AnyMethod
    task: Task[MethodConstants]

    @classmethod
    def of(cls, session: Session, ledger: Ledger, round_: Round) -> Training:
        """The training that a round's plan describes.

        :raises MalformedError: the copy of the plan is not the one that was verified.
        """
        planned = planned_round(session.workspace, round_)
        plan = planned.plan
        method = methods.get(plan.method)
        task = Task(method.constants(plan.constants), plan.classes, planned.start())
        return cls(session, ledger, round_, plan, method, task)

    def events(self) -> list[Event]:
        """What it costs with the noise that was chosen."""
        return self.method.round_events(self.task.constants, self.noise)

    def remaining(self) -> Remaining:
        """The training's round and those that the plan has after it."""
        return remaining(self.session.state, self.round, self.plan, self.ledger)


def remaining(state: State, round_: Round, plan: PlanHeader, ledger: Ledger | Book) -> Remaining:
    """A round and those that its plan has after it.

    :param ledger: what the stages before this one have cost is in it.
    """
    method = methods.get(plan.method)
    stages_before = attempt_of(state, round_)[:-1]
    return Remaining(
        method=method,
        constants=method.constants(plan.constants),
        delta=plan.delta,
        rounds=plan.stages - plan.stage + 1,
        before=[e for r in stages_before for e in ledger.events(r.study, run_name(state, r))],
    )
