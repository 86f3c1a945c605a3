"""``refuse``: a keyholder swears to answer nothing in a round, so that it can be repeated otherwise.

The refusal is fixed in the transaction that destroys the key with which the round's requests would be
answered. Tested in tests/cli/test_repeats_held.py.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import STATUS_SAYS, MalformedError, RefusedError, about
from privxray.exchange.messages.consents import write_refusal
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.features import REPEATS_WITHOUT
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.new_round_keys import new_unsealing_key, open_unsealing_key
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.common.which_study import newest_round
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working


@dataclass(frozen=True)
class Refused:
    """A refusal that is ready to be carried.

    :ivar again: it was made before, and holds the same bytes.
    """

    path: Path
    plan: PlanHeader
    again: bool


def refuse(
    workspace: Workspace,
    passphrase: Passphrase,
    *,
    study: str | None = None,
    folder: Path | None = None,
    force: bool = False,
) -> Refused:
    """Swear to answer no request of the newest round, as a keyholder.

    :param folder: where the refusal goes, by default the workspace.
    :param force: replace another file that stands there.
    :raises RefusedError: this workspace is no keyholder of the round, has answered in it, or its plan can't
        be repeated with refusals.
    """
    workspace.require(("hospital", "trustee"), "refuse")
    folder = chosen_folder(folder, workspace.root)
    with working(workspace) as session:
        planned = planned_round(workspace, newest_round(session, study))
        state, round_ = session.state, planned.round
        again = state.refusal_of(round_.plan) is not None
        if not again:
            _expect_refusable(session, planned)
            _swear(session, planned, passphrase)
        target = folder / workspace.own_file(round_.study, round_.number, "refusal")
        send(state, _kept_bytes(session, planned), target, force=force)
        return Refused(target, planned.plan, again)


def expect_not_sworn_off(session: Session, planned: PlannedRound) -> None:
    """Check that this keyholder has not refused the round.

    A refusal that lies here and is not recorded is of a call that was cut off, or the state was put back: in
    either case it may have left.

    :raises RefusedError: it has.
    """
    if session.state.refusal_of(planned.round.plan) is not None or _kept(planned).exists():
        raise RefusedError(
            "this keyholder has refused this round, and has sworn to answer nothing in it",
            reason="request.sworn-off",
            advice="Carry the refusal to the coordinator: privxray refuse",
        )


def _expect_refusable(session: Session, planned: PlannedRound) -> None:
    plan, state = planned.plan, session.state
    if plan.seated(public_keys(session.workspace).fingerprint) is None:
        raise RefusedError(
            "this workspace is not a keyholder of the newest round, so there is nothing to refuse",
            reason="refusal.no-keyholder",
            advice=f"The keyholders of a round are in its plan. {STATUS_SAYS}",
        )
    if REPEATS_WITHOUT not in plan.features or plan.its_task == "agree":  # which opens no sum
        raise RefusedError(
            f"the plan of round {plan.round} can't be repeated, so a refusal serves nothing",
            reason="refusal.not-in-plan",
            advice="Tell the coordinator that you don't answer",
        )
    if state.answer_of(planned.round.plan) is not None or (planned.folder / "answer.share").exists():
        raise RefusedError(
            f"this keyholder has answered the request of round {plan.round} already",
            reason="refusal.answered",
            advice=f"Nobody can take an answer back. {STATUS_SAYS}",
        )


def _swear(session: Session, planned: PlannedRound, passphrase: Passphrase) -> None:
    """:raises RefusedError: the key that would answer is gone, so nobody knows that it never did."""
    state, identity = session.state, unlock(session.workspace, passphrase)
    seated = planned.plan.seated(identity.public().fingerprint)
    if seated is not None:
        open_unsealing_key(state, seated[0].seats[seated[1] - 1].unsealing.key, identity)
    kept = _kept(planned)
    make_private_folder(kept.parent)
    with state.transaction():
        following = new_unsealing_key(state, identity, planned.plan.study)
        data = write_refusal(planned.signed, identity, following, stamp())
        write_atomic(kept, data, overwrite=True)
        state.record_refusal(planned.round.plan, hashlib.sha256(data).hexdigest())
        state.unsealing_keys.burn_plan(planned.round.plan)


def _kept(planned: PlannedRound) -> Path:
    return planned.folder / "own.refusal"


def _kept_bytes(session: Session, planned: PlannedRound) -> bytes:
    with about(_kept(planned)):
        data = _kept(planned).read_bytes()
        if hashlib.sha256(data).hexdigest() != session.state.refusal_of(planned.round.plan):
            raise MalformedError(
                "this is not the refusal that was made",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
    return data
