"""Whether a study has a new coordinator: what ``status`` has to know of it, without the rules of successions.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from privxray.workspace.folder import Workspace
from privxray.workspace.state import State
from privxray.workspace.study_tables import Round
from privxray.workspace.succession_tables import NamedCoordinator

INHERITED = "study.succession"
"""Beside a round's files: the succession by which its coordinator took the study over."""


def awaited_coordinator(state: State, study: str) -> NamedCoordinator | None:
    """Whom hospitals named as coordinator of a study, until a plan of this one is followed."""
    known = state.study(study)
    return None if known is None else state.named_coordinator(study, known.coordinator.fingerprint)


def is_inherited(workspace: Workspace, round_: Round) -> bool:
    """Whether a round was taken over from another coordinator."""
    return (workspace.round_folder(round_.study, round_.number) / INHERITED).exists()
