"""``waive``: a hospital lets the newest round be repeated without it.

Tested in tests/cli/test_repeated_rounds.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import STATUS_SAYS, RefusedError
from privxray.exchange.messages.consents import write_waiver
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.features import REPEATS_WITHOUT
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.common.task_commands import agreed_only
from privxray.workflow.common.which_study import newest_round
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class Waived:
    """A waiver that is ready to be carried.

    :ivar again: it was made before, and holds the same bytes.
    """

    path: Path
    plan: PlanHeader
    again: bool


def waive(
    workspace: Workspace,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    folder: Path | None = None,
    force: bool = False,
) -> Waived:
    """Sign that the newest round may be repeated without this hospital. In its workspace nothing changes.

    :param folder: where the waiver goes, by default the workspace.
    :param force: replace another file that stands there.
    :raises RefusedError: the round is over, only agrees on secrets, or has a plan that can't be repeated
        without a hospital.
    """
    workspace.require("hospital", "waive")
    folder = chosen_folder(folder, workspace.root)
    with working(workspace) as session:
        planned = planned_round(workspace, newest_round(session, study))
        _expect_open(planned)
        kept = _kept(planned.folder)
        again = kept.exists()
        if not again:
            make_private_folder(kept.parent)
            data = write_waiver(planned.signed, unlock(workspace, passphrase), stamp())
            write_atomic(kept, data, overwrite=True)
        target = folder / workspace.own_file(planned.round.study, planned.round.number, "waiver")
        send(session.state, kept.read_bytes(), target, force=force)
        return Waived(target, planned.plan, again)


def waived_round(session: Session, study: str) -> int | None:
    """The number of a study's newest round here, if this hospital has waived it."""
    last = session.state.last_round(study)
    if last is None or not _kept(session.workspace.round_folder(study, last.number)).exists():
        return None
    return last.number


def _kept(folder: Path) -> Path:
    return folder / "own.waiver"


def _expect_open(planned: PlannedRound) -> None:
    if planned.plan.its_task == "agree":
        raise agreed_only(planned.round)
    if REPEATS_WITHOUT not in planned.plan.features:
        raise RefusedError(
            f"the plan of round {planned.plan.round} can't be repeated without a hospital",
            reason="waiver.not-in-plan",
            advice="Tell the coordinator: the round has to be planned anew (privxray plan --continue)",
        )
    if planned.round.state in (RoundState.CLOSED, RoundState.VOID):
        raise RefusedError(
            f"round {planned.plan.round} is over here, so it needs no waiver",
            reason="waiver.round-over",
            advice=STATUS_SAYS,
        )
