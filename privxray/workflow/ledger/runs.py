"""What the ledger's runs are: the trainings of rounds, and audits on own patients.

A study is trained in stages, and a plan may begin it anew. The rounds since the newest stage 1 are the
present *attempt*; what earlier attempts cost stays charged beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

from privxray.exchange.messages.plan import PlanHeader
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

AUDITS = "audits on own patients"
"""What the ledger calls all audits together. No study can have this name, for it has spaces."""


def audit_number(run: str) -> int:
    """The number of an audit's run: its name ends with it, in hex."""
    return int(run.rpartition("-")[2], 16)


def run_name(state: State, round_: Round) -> str:
    """How the ledger names the training that a round uses.

    The plan's hash is in it, so that a workspace that was made anew over an old ledger meets no old run.
    """
    trained_in = next(r for r in state.rounds(round_.study) if r.number == round_.trained_in)
    before = _destroyed(state, round_)
    again = f"-{before + 1}" if before else ""
    return f"round-{trained_in.number:04d}-{trained_in.plan[:12]}{again}"


def next_run(state: State, round_: Round) -> None:
    """Let the training that a round uses have a run of its own from now on, within a transaction.

    The run so far stays charged.
    """
    state.set_setting(_name_of_destroyed(round_), str(_destroyed(state, round_) + 1))


def _destroyed(state: State, round_: Round) -> int:
    """How many results of a round's training were destroyed so that it could be trained anew."""
    return int(state.setting(_name_of_destroyed(round_)) or 0)


def _name_of_destroyed(round_: Round) -> str:
    return f"destroyed results {round_.study} {round_.trained_in}"


def attempt_of(state: State, round_: Round) -> list[Round]:
    """A round's attempt at its task, oldest first: one round for each stage so far."""
    used = [r for r in state.rounds(round_.study) if r.state is not RoundState.VOID]
    return [r for r in used if r.task == round_.task][-round_.stage :]


def _other_tasks(state: State, round_: Round) -> list[Round]:
    """The rounds of the study's other tasks since it was begun last."""
    used = [r for r in state.rounds(round_.study) if r.state is not RoundState.VOID]
    begun = max((place for place, r in enumerate(used) if r.has_begun_study), default=0)
    return [r for r in used[begun:] if r.task != round_.task]


def charged_outside(state: State, charged: Iterable[tuple[str, str]], round_: Round) -> bool:
    """Whether the study has cost something outside of a round's attempt and its schedule's other tasks.

    :param charged: study and run of everything that the ledger holds.
    """
    inside = {run_name(state, r) for r in (*attempt_of(state, round_), *_other_tasks(state, round_))}
    return any(study == round_.study and run not in inside for study, run in charged)


def default_epsilon(state: State, plan: PlanHeader) -> float:
    """The least epsilon that was ever chosen for a training of a plan's study, else the plan's."""
    trained = [r for r in state.rounds(plan.study) if r.task == "train"]
    return min([plan.epsilon, *(r.epsilon for r in trained if r.epsilon is not None)])
