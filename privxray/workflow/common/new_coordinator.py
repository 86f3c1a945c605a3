"""Whether a study has a new coordinator: what ``status`` has to know of it, without the rules of successions.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from privxray.formats.header import Fingerprint
from privxray.workflow.common.stamp import today
from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.state_tables.succession_tables import NamedCoordinator, OwnVote

INHERITED = "study.succession"
"""Beside a round's files: the succession by which its coordinator took the study over."""


def awaited_coordinator(state: State, study: str) -> NamedCoordinator | None:
    """Whom hospitals named as coordinator of a study, until a plan of this one is followed."""
    known = state.study(study)
    return None if known is None else state.named_coordinator(study, known.coordinator.fingerprint)


def standing_vote(state: State, round_: Round, coordinator: Fingerprint) -> OwnVote | None:
    """The vote of this hospital for another coordinator, as long as it can count.

    It can't any more once a newer plan is followed or a model was accepted here, and after its last day.

    :param round_: the newest one of the study. :param coordinator: who signed its plan.
    """
    vote = state.own_vote(round_.study, coordinator)
    if vote is None:
        return None
    from privxray.formats.container import split  # seldom needed, and status is to be quick
    from privxray.keys.succession.last_day import is_past
    from privxray.keys.succession.vote import VoteHeader

    header = split(vote.file).claim(VoteHeader)
    over_this = (header.plan, header.result) == (round_.plan, round_.result)
    return vote if over_this and header.until and not is_past(header.until, today()) else None


def is_inherited(workspace: Workspace, round_: Round) -> bool:
    """Whether a round was taken over from another coordinator."""
    return (workspace.round_folder(round_.study, round_.number) / INHERITED).exists()
