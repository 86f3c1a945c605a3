"""What a training may cost: the choice of epsilon, the noise it comes to, and its charge in the ledger.

The noise is calibrated by the accountant that admits, over the events of the stages before this one and as
many further stages as the plan has. So a smaller epsilon at a later stage is honoured as far as what was
spent before allows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.errors import BudgetError, MalformedError, RefusedError, UsageError
from privxray.exchange.messages.plan import PlanHeader
from privxray.privacy.accountant import calibrate, guarantee
from privxray.privacy.accountant import epsilon as epsilon_of
from privxray.privacy.guarantee import Guarantee, promises_something
from privxray.privacy.ledger import Ledger, floored
from privxray.workflow.hospital.past_exports import newer_than
from privxray.workflow.hospital.release_witness import AUDITS, audit_number
from privxray.workflow.hospital.runs import attempt_of, charged_outside, run_name
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import RoundState

if TYPE_CHECKING:
    from privxray.learning.constants import MethodConstants
    from privxray.learning.interface import AnyMethod
    from privxray.privacy.events import Event


def round_folder(workspace: Workspace, round_: Round) -> Path:
    """Where the results of the training that a round uses rest."""
    return workspace.round_folder(round_.study, round_.trained_in)


def open_ledger(workspace: Workspace, state: State) -> Ledger:
    """The hospital's ledger, after holding it against what this workspace remembers.

    Reservations of rounds that were given up before any noise was drawn are taken back.

    :raises MalformedError: it is an older copy: it lacks a training or an audit that was done here, or was
        never in the state that an update in the workspace names.
    """
    ledger = Ledger.open(workspace.ledger_path)
    rounds = state.rounds()
    newer, _ = newer_than(ledger, workspace)
    if newer:
        raise MalformedError(
            f"the privacy ledger is older than {newer[0]}, or another one: it never stood where that says",
            file=workspace.ledger_path,
            advice="Restore the newest backup of it; what was spent on these patients stays spent",
        )
    lacking = lacking_training(state, ledger)
    if lacking is not None:
        raise MalformedError(
            f"the privacy ledger is an old copy: it lacks {lacking}",
            file=workspace.ledger_path,
            advice="Restore the newest backup of it; what was spent on these patients stays spent",
        )
    charged = ledger.charged()
    in_use = {(r.study, r.trained_in) for r in rounds if r.state is not RoundState.VOID}
    for round_ in rounds:
        if round_.state is RoundState.VOID and (round_.study, round_.number) not in in_use:
            run = (round_.study, run_name(state, round_))
            if charged.get(run, ("", ()))[0] == "reserved":
                ledger.withdraw(*run)
    return ledger


def lacking_training(state: State, ledger: Ledger) -> str | None:
    """What was drawn here without the ledger knowing, in words: the ledger is an older copy."""
    charged = ledger.charged()
    drawn = state.runs_with_releases()
    for round_ in state.rounds():
        done = round_.state in (RoundState.TRAINED, RoundState.EXPORTED, RoundState.CLOSED)
        found = charged.get((round_.study, run_name(state, round_)), ("", ()))[0]
        begun = (round_.study, round_.number) in drawn and found not in ("spending", "released")
        if begun or (done and found != "released"):
            return f"the training of round {round_.number}"
    audits = {audit_number(run) for study, run in charged if study == AUDITS}
    if any(study == AUDITS and number not in audits for study, number in drawn):
        return "an audit on own patients"
    return None


def refuse_too_many(patients: int, n_max: int, plan: PlanHeader, ledger: Ledger) -> None:
    """Hold the number of patients against what plan and ledger mean by their deltas; it is not told.

    :raises RefusedError: more than the plan's ``n_max``, or so many that the ledger's delta promises nothing.
    """
    if patients > n_max:
        raise RefusedError(
            f"there are more patients to train on than the {n_max:,} that the plan's delta {plan.delta:g} is "
            "meant for (its constant n_max); nothing was spent",
            advice="Ask the coordinator for a plan with a larger n_max and a smaller delta",
        )
    if not promises_something(ledger.limit.delta, patients):
        raise RefusedError(
            f"its delta {ledger.limit.delta:g} promises nothing to one of so many patients; "
            "nothing was spent",
            file=ledger.path,
            advice="Train on fewer of them",
        )


def choose_epsilon(
    asked: float | None, plan: PlanHeader, state: State, ledger: Ledger, round_: Round
) -> float:
    """The epsilon of the whole study: as asked, else the least that was ever chosen for it, else the plan's.

    :raises UsageError: not a number above 0.
    :raises BudgetError: more than the plan's; or nothing was asked and the study has cost something outside
        of this run through its stages (a round failed after the export): that adds up, so it is to be said.
    """
    if asked is None:
        spent = ledger.events(plan.study)
        if charged_outside(state, ledger.charged(), round_):
            raise BudgetError(
                f"this study has cost {guarantee(spent, plan.delta)} here already, in a round "
                "that was given up, and training anew adds to it; nothing was spent",
                advice="Say how much: privxray train --epsilon E",
            )
        return min([plan.epsilon, *(r.epsilon for r in state.rounds(round_.study) if r.epsilon is not None)])
    if not 0 < asked < float("inf"):  # also refuses NaN
        raise UsageError("epsilon must be a number above 0")
    if asked > plan.epsilon:
        raise BudgetError(
            f"epsilon {asked:g} is more than the {plan.epsilon:g} that the plan allows; nothing was spent",
            advice=f"Type: privxray train --epsilon {plan.epsilon:g}",
        )
    return asked


def reserve(
    state: State,
    ledger: Ledger,
    method: AnyMethod,
    constants: MethodConstants,
    plan: PlanHeader,
    round_: Round,
    epsilon: float,
) -> Round:
    """Fix the noise and a fresh key for the results in the state, and charge the ledger, or refuse.

    :returns: the round with its noise and key. A run that was charged before with the same epsilon goes on.
    :raises BudgetError: the lifetime limit; nothing was spent, and the choice is forgotten. It says which
        epsilon is still possible.
    :raises RefusedError: noise was drawn already with another epsilon.
    :raises MalformedError: noise was drawn already, and the state does not know of it.
    """
    run = run_name(state, round_)
    charged = ledger.state(round_.study, run)
    if charged is not None and round_.epsilon == epsilon:
        return round_
    if charged == "reserved":
        ledger.withdraw(round_.study, run)
    elif charged is not None and round_.epsilon is None:
        raise MalformedError(
            f"the workspace's state is an old copy: it lacks the training of round {round_.number} that the "
            "privacy ledger was charged for; nothing was drawn",
            advice="Restore the newest backup of state.db, or have the round planned and paid anew",
        )
    elif charged is not None:
        raise another_epsilon(round_)
    before = _of_stages_before(state, ledger, round_)
    left = plan.stages - plan.stage + 1
    noise = method.plan_noise(constants, Guarantee(epsilon, plan.delta), rounds_left=left, past=before)
    _choose(state, round_, epsilon=epsilon, noise=noise, vector_key=os.urandom(32))
    try:
        ledger.reserve(round_.study, run, method.round_events(constants, noise))
    except BudgetError as refusal:
        _choose(state, round_, epsilon=None, noise=None, vector_key=None)
        possible = _largest(ledger, method, constants, plan.delta, left=left, before=before)
        option = f" --study {plan.study}" if len(state.studies()) > 1 else ""
        refusal.advice = (
            f"The largest that is still possible here: privxray train --epsilon {possible:g}{option}"
            if possible > 0
            else "Nothing is left for this study: the lifetime limit is reached (privxray budget)"
        )
        raise
    last = state.last_round(round_.study)
    assert last is not None
    return last


def another_epsilon(round_: Round) -> RefusedError:
    """The refusal of an epsilon other than the one that a round's noise was drawn for."""
    goes_on = "export-update" if round_.state is RoundState.TRAINED else f"train --epsilon {round_.epsilon:g}"
    return RefusedError(
        f"round {round_.number} has drawn noise for epsilon {round_.epsilon:g}, and another can't follow",
        advice=f"Go on with: privxray {goes_on}",
    )


def _largest(
    ledger: Ledger,
    method: AnyMethod,
    constants: MethodConstants,
    delta: float,
    *,
    left: int,
    before: list[Event],
) -> float:
    """The largest epsilon, in hundredths, with which all rounds that the study has left fit the ledger; or 0.

    First the least noise that the ledger admits for these rounds, then what the study costs at ``delta`` with
    that noise.
    """
    past = ledger.events()

    def rounds(noise: float) -> list[Event]:
        return left * method.round_events(constants, noise)

    try:
        noise = calibrate(rounds, ledger.limit, past=past)
        possible = floored(epsilon_of([*before, *rounds(noise)], delta))
        while possible > 0:  # what is rounded down once is admitted, or what is rounded down twice
            noise = method.plan_noise(constants, Guarantee(possible, delta), rounds_left=left, past=before)
            if epsilon_of([*past, *rounds(noise)], ledger.limit.delta) <= ledger.limit.epsilon:
                return possible
            possible = floored(possible - 0.005)
    except BudgetError:
        pass
    return 0.0


def _choose(state: State, round_: Round, **fields: float | bytes | None) -> None:
    with state.transaction():
        state.set_training(round_.study, round_.number, **fields)


def _of_stages_before(state: State, ledger: Ledger, round_: Round) -> list[Event]:
    before = attempt_of(state, round_)[:-1]
    return [event for r in before for event in ledger.events(r.study, run_name(state, r))]
