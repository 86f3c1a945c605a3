"""What a hospital has spent of its privacy budget, and what the rest still affords."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from privxray.errors import UsageError
from privxray.privacy import accountant, affordable
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.workflow.common.session import load_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State


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
class Affords:
    """An answer about further steps: ``steps`` of them with at least ``noise`` at sampling rate ``q``."""

    steps: int
    noise: float | None
    q: float


@dataclass(frozen=True)
class Budget:
    """A ledger's contents. ``spent`` is what noise was drawn for, ``charged`` that and what is reserved.

    ``left`` is the largest epsilon, at the ledger's delta, that a further run of Gaussian noise can have.
    """

    spent: Cost
    charged: Cost
    limit: Guarantee
    left: Guarantee
    studies: tuple[StudyBudget, ...]
    runs: tuple[Run, ...]
    affords: Affords | None


def budget_of(
    workspace: Workspace,
    *,
    study: str | None = None,
    replace_one: bool = False,
    steps: int | None = None,
    noise: float | None = None,
    q: float = 1.0,
) -> Budget:
    """The whole ledger of a hospital, or one study's part in it.

    :param study: tell of this study only; spent, charged and left are of all studies as ever.
    :param replace_one: compute the figures for replace-one-patient adjacency, too.
    :param steps: ask for the least noise over sensitivity with which so many steps still fit.
    :param noise: ask how many steps of this noise over sensitivity still fit. Not both.
    :param q: sampling rate of those steps.
    :raises MalformedError: the ledger's chain is broken.
    :raises UsageError: nothing of such a study is here, or a number is out of its range.
    """
    workspace.require("hospital", "budget")
    _check(steps, noise, q)
    ledger = Ledger.open(workspace.ledger_path)
    charged = ledger.charged()
    plans = _plans(workspace)
    names = sorted({name for name, _ in charged} | set(plans))
    if study is not None and study not in names:
        known = ", ".join(names) or "none"
        raise UsageError(f"nothing of a study of this name is here (studies: {known})")
    shown = [name for name in names if study in (None, name)]
    room = ledger.room()

    def cost(events: Iterable[Event], delta: float) -> Cost:
        events = tuple(events)
        replaced = accountant.guarantee(events, delta, replace_one=True) if replace_one else None
        return Cost(accountant.guarantee(events, delta), replaced)

    def of_study(name: str) -> StudyBudget:
        planned = plans.get(name)
        delta = (planned or ledger.limit).delta
        return StudyBudget(name, cost(ledger.events(name), delta), planned, accountant.guarantee(room, delta))

    return Budget(
        spent=cost(
            (e for state, events in charged.values() if state != "reserved" for e in events),
            ledger.limit.delta,
        ),
        charged=cost(ledger.events(), ledger.limit.delta),
        limit=ledger.limit,
        left=accountant.guarantee(room, ledger.limit.delta),
        studies=tuple(map(of_study, shown)),
        runs=tuple(
            Run(name, run, state, cost(events, ledger.limit.delta), [event.to_json() for event in events])
            for (name, run), (state, events) in charged.items()
            if name in shown
        ),
        affords=_affords(ledger, steps, noise, q),
    )


def _plans(workspace: Workspace) -> dict[str, Guarantee]:
    """By study, what its newest plan here allows."""
    if not workspace.state_path.exists():
        return {}
    with State(workspace.state_path) as state:
        rounds = [state.last_round(name) for name in state.studies()]
        plans = {round_.study: load_plan(workspace, round_) for round_ in rounds if round_}
    return {name: Guarantee(plan.epsilon, plan.delta) for name, plan in plans.items()}


def _check(steps: int | None, noise: float | None, q: float) -> None:
    if steps is not None and noise is not None:
        raise UsageError(
            "ask for the noise of so many --steps, or for the steps of so much --noise: not both"
        )
    if steps is not None and not 1 <= steps <= affordable.MOST_STEPS:
        raise UsageError(f"--steps is a number from 1 to {affordable.MOST_STEPS:,}")
    if noise is not None and not 0.0 < noise < 1e6:
        raise UsageError("--noise is a number above 0: its standard deviation over the clipping norm")
    if not 0.0 < q <= 1.0:
        raise UsageError("--sampling-rate is a number above 0 and at most 1")
    if q != 1.0 and steps is None and noise is None:
        raise UsageError("--sampling-rate goes with --steps or --noise")


def _affords(ledger: Ledger, steps: int | None, noise: float | None, q: float) -> Affords | None:
    past, limit = ledger.events(), ledger.limit
    if steps is not None:
        return Affords(steps, affordable.least_noise(steps, q, limit, past=past), q)
    if noise is not None:
        return Affords(affordable.most_steps(noise, q, limit, past=past), noise, q)
    return None
