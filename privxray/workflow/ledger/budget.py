"""``budget``: what a hospital has spent of its privacy budget, and what the rest still affords.

Tested in tests/cli/test_budget.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from privxray.errors import UsageError
from privxray.privacy import accountant
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.study_cost import whole_cost
from privxray.workflow.ledger.further_steps import Affords, FurtherSteps
from privxray.workflow.ledger.size_remarks import size_remarks
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking


@dataclass(frozen=True)
class Cost:
    """What events have cost a patient; ``replaced`` by the other adjacency, where that was asked for."""

    guarantee: Guarantee
    replaced: Guarantee | None


@dataclass(frozen=True)
class Run:
    """One charged run of the ledger. ``cost`` is of this run alone, at the ledger's delta."""

    study: str
    run: str
    state: str
    cost: Cost
    events: list[dict[str, Any]]


@dataclass(frozen=True)
class StudyBudget:
    """A study's runs together at its plan's delta, or at the ledger's where no plan of it is here.

    ``planned`` is what its newest plan allows for one run through its stages; ``left`` the largest
    guarantee, at this delta, that a further run of Gaussian noise can have within the lifetime limit.
    """

    study: str
    cost: Cost
    planned: Guarantee | None
    left: Guarantee


@dataclass(frozen=True)
class Budget:
    """A ledger's contents. ``spent`` is what noise was drawn for, ``charged`` that and what is reserved.

    Both are exact figures of one history that is fixed in advance. ``admitted`` is what the limit is held
    against: it holds even where what was trained later depended on earlier results (docs/adr/0072). ``left``
    is the largest epsilon, at the ledger's delta, that a further run of Gaussian noise can have. ``remarks``
    say where a delta is larger than is advised for the size that the hospital states.
    """

    spent: Cost
    charged: Cost
    admitted: Guarantee
    limit: Guarantee
    left: Guarantee
    studies: tuple[StudyBudget, ...]
    runs: tuple[Run, ...]
    affords: Affords | None
    remarks: tuple[str, ...]


def budget_of(
    workspace: Workspace,
    *,
    study: str | None = None,
    replace_one: bool = False,
    further: FurtherSteps = FurtherSteps(),
) -> Budget:
    """The whole ledger of a hospital, or one study's part in it.

    :param study: tell of this study only. What is spent, charged and left is of all studies as ever.
    :param replace_one: compute the figures for replace-one-patient adjacency, too.
    :raises MalformedError: the ledger's chain is broken.
    :raises UsageError: nothing of such a study is here, or ``further`` is out of range.
    """
    workspace.require("hospital", "budget")
    further.check()
    ledger = Ledger.open(workspace.ledger_path)
    plans = _plans(workspace)
    names = sorted({name for name, _ in ledger.charged()} | set(plans))
    if study is not None and study not in names:
        known = ", ".join(names) or "none"
        raise UsageError(
            f"nothing of a study of this name is here (studies: {known})", reason="budget.unknown-study"
        )
    shown = [name for name in names if study in (None, name)]
    costs = _Costs(ledger, replace_one)
    return Budget(
        spent=costs.spent(),
        charged=costs.of(ledger.events(), ledger.limit.delta),
        admitted=ledger.admitted(),
        limit=ledger.limit,
        left=costs.left(ledger.limit.delta),
        studies=tuple(costs.of_study(name, plans.get(name)) for name in shown),
        runs=tuple(run for run in costs.runs() if run.study in shown),
        affords=further.answer(ledger),
        remarks=_remarks(workspace, ledger),
    )


class _Costs:
    """What the runs of a ledger cost, by the adjacencies that were asked for."""

    def __init__(self, ledger: Ledger, replace_one: bool) -> None:
        self._ledger = ledger
        self._replace_one = replace_one
        self._room = ledger.room()

    def of(self, events: Iterable[Event], delta: float) -> Cost:
        events = tuple(events)
        replaced = accountant.guarantee(events, delta, replace_one=True) if self._replace_one else None
        return Cost(accountant.guarantee(events, delta), replaced)

    def spent(self) -> Cost:
        charged = self._ledger.charged().values()
        drawn = (event for state, events in charged if state != "reserved" for event in events)
        return self.of(drawn, self._ledger.limit.delta)

    def left(self, delta: float) -> Guarantee:
        return accountant.guarantee(self._room, delta)

    def of_study(self, name: str, planned: Guarantee | None) -> StudyBudget:
        delta = (planned or self._ledger.limit).delta
        return StudyBudget(name, self.of(self._ledger.events(name), delta), planned, self.left(delta))

    def runs(self) -> Iterator[Run]:
        for (study, run), (state, events) in self._ledger.charged().items():
            cost = self.of(events, self._ledger.limit.delta)
            yield Run(study, run, state, cost, [event.to_json() for event in events])


def _remarks(workspace: Workspace, ledger: Ledger) -> tuple[str, ...]:
    if not workspace.state_path.exists():
        return ()
    with looking(workspace) as session:
        return size_remarks(session, ledger.limit)


def _plans(workspace: Workspace) -> dict[str, Guarantee]:
    """By study, what its newest plan here allows."""
    if not workspace.state_path.exists():
        return {}
    with looking(workspace) as session:
        newest = [session.state.rounds(name)[-1] for name in session.state.studies()]
        plans = {round_.study: load_plan(workspace, round_) for round_ in newest}
    return {name: whole_cost(plan) for name, plan in plans.items()}
