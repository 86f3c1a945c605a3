"""A round together with the plan that it follows, read from the workspace's private copy.

Tested in tests/cli/test_doctor.py, and by every command of a study.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import MalformedError, about
from privxray.exchange.intake import Received, read_again
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.tensors import unpack
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PlannedRound:
    """A round of this workspace, its plan, and the file that the plan came in.

    :param folder: where the workspace keeps what belongs to the round.
    """

    round: Round
    signed: SignedPlan
    file: Received
    folder: Path

    @property
    def plan(self) -> PlanHeader:
        """What the round does."""
        return self.signed.plan

    def start(self) -> dict[str, NDArray[Any]]:
        """The model that training starts from, by tensor; empty where the plan carries none."""
        return unpack(self.file.body()) if self.plan.body.length else {}


def planned_round(workspace: Workspace, round_: Round) -> PlannedRound:
    """A round with its plan.

    :raises MalformedError: the copy of the plan is not the file that was verified.
    :raises AbsentFileError: it is gone.
    """
    path = workspace.plan_copy(round_.study, round_.number)
    with about(path):
        file = read_again(path)
        signed = SignedPlan.claimed(file.envelope)
        if signed.digest != round_.plan:
            raise MalformedError(
                "this is not the plan that was verified here",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
        file.check_body(signed.plan.body)
    return PlannedRound(round_, signed, file, workspace.round_folder(round_.study, round_.number))


def load_plan(workspace: Workspace, round_: Round) -> PlanHeader:
    """The plan of a round, see :func:`planned_round`."""
    return planned_round(workspace, round_).plan


def last_of_task(session: Session, plan: PlanHeader) -> PlanHeader | None:
    """The newest earlier plan here that asks for the same as another one: sums of both can be compared.

    None where there is none, and for a plan that asks for no sum.
    """
    if plan.its_task == "agree":
        return None
    rounds = session.state.rounds(plan.study_name)
    alike = [one for one in rounds if one.number < plan.round and one.task == plan.its_task]
    return load_plan(session.workspace, alike[-1]) if alike else None
