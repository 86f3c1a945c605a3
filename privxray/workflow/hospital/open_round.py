"""The round that training and export are about, and whether it is too late for them.

Tested in tests/cli/test_keyholders.py and tests/cli/test_study.py.
"""

from __future__ import annotations

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.formats.header import TaskName
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.task_commands import DONE, agreed_only
from privxray.workflow.common.which_study import newest_round
from privxray.workflow.hospital.trained_on import trained_data
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState


def open_round(session: Session, study: str | None, task: TaskName = "train") -> Round:
    """The newest round of a study, which has not been exported yet.

    :param task: what the command is for.
    :raises RefusedError: it has, or it ended here when the workspace was restored or another coordinator was
        named, or its plan is for something else.
    """
    round_ = newest_round(session, study, lambda r: _untrained(r) and r.task == task, _untrained, _inside)
    if round_.state is RoundState.VOID:
        raise over_here(round_)
    if round_.state is RoundState.AGREED:
        raise agreed_only(round_)
    if round_.state.inside and round_.task != task:
        raise RefusedError(
            f"the task of round {round_.number} is {round_.task}, not {task}; nothing was spent",
            reason="round.other-task",
            advice=STATUS_SAYS,
        )
    if not round_.state.inside:
        seen = trained_data(session, round_)
        changed = f"; {seen}, and an update that has left can't be changed" if seen and seen.since else ""
        raise RefusedError(
            f"round {round_.number} is exported already, and a round is {DONE[round_.task]} once{changed}",
            reason="round.exported",
            advice=STATUS_SAYS,
        )
    from privxray.workflow.custody.named_successor import expect_coordinator_stays  # status does without

    expect_coordinator_stays(session.state, round_)
    return round_


def over_here(round_: Round) -> RefusedError:
    """The refusal of a round that ended here when the workspace was restored from a backup."""
    return RefusedError(
        f"round {round_.number} is over in this restored workspace: its keys are in no backup",
        reason="round.over-here",
        advice=STATUS_SAYS,
    )


def _untrained(round_: Round) -> bool:
    return round_.state is RoundState.JOINED


def _inside(round_: Round) -> bool:
    return round_.state.inside


def left_out(session: Session, round_: Round) -> bool:
    """Whether a round's sum is opened without this hospital, as far as this workspace can tell.

    It can tell by its own answer as a keyholder: once it has answered, its pairwise masks are open, only its
    self-mask would hide an update, and nobody would add that update up. It can tell by the round's model:
    where that has come, a training would be paid for nothing. And by a plan that repeats a round, whose sum
    was asked for without this hospital.
    """
    if round_.state.inside and round_.result is not None:
        return True
    own = public_keys(session.workspace).fingerprint
    survivors = session.state.survivors_of(round_.plan)
    without = load_plan(session.workspace, round_).without
    asked = without.asked if without else None
    return (bool(survivors) and own not in survivors) or (asked is not None and own not in asked)


def too_late() -> RefusedError:
    """What a hospital is told that is :func:`left_out`."""
    return RefusedError(
        "too late: the round's sum is opened without this hospital",
        reason="round.too-late",
        advice=STATUS_SAYS,
    )
