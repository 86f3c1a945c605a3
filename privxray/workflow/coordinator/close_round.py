"""Closing a round: the model is signed, the next plan with it, and both leave after they are recorded.

Tested in tests/cli/test_rounds.py and tests/cli/test_many_rounds.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from privxray.errors import WorkspaceError
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.container import split
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.statement import Statement
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.common.deliver import deliver
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.stamp import stamp
from privxray.workflow.coordinator.collected_files import Collected
from privxray.workflow.coordinator.continue_plan import next_stage
from privxray.workflow.coordinator.next_parties import NextKeys, lacking_next_keys
from privxray.workflow.coordinator.sign_plan import Planned, deliver_plan, record_plan, stage_plan
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.session import Session
from privxray.workspace.transitions import Event, RoundState


@dataclass(frozen=True)
class Aggregated:
    """The files that a finished round gave.

    :param next_plan: None after the last stage, and where ``lacking`` names somebody.
    :param hospitals: how many updates are in the sum.
    :param notes: which files were passed over.
    :param lacking: the parties whose keys for the next round have yet to come.
    :param already: the round had been closed before, and only its files were delivered again.
    """

    model: Path
    next_plan: Planned | None
    plan: PlanHeader
    hospitals: int
    notes: tuple[str, ...]
    lacking: tuple[str, ...]
    already: bool


def close_round(
    session: Session,
    collected: Collected,
    identity: Identity,
    tensors: dict[str, np.ndarray],
    *,
    force: bool,
) -> Aggregated:
    """Sign the model, and the next stage's plan if every party's key for it is here, and deliver both."""
    cohort, planned, state = collected.cohort, collected.planned, session.state
    plan, round_ = planned.plan, planned.round
    keys = NextKeys(
        masks={sender: one.header.next_mask for sender, one in cohort.updates.items()},
        unsealing={one.header.sender: one.header.next_unsealing for one in cohort.answers.values()},
    )
    lacking = lacking_next_keys(plan, keys)
    kept = session.workspace.model_copy(round_.study, round_.number)
    model_digest = _keep_model(kept, collected, identity, tensors)
    following = None
    if plan.stage < plan.stages and not lacking:
        following = stage_plan(session.workspace, identity, next_stage(planned, keys, tensors))
    with state.transaction():
        state.change_round("coordinator", round_, Event.SUM, model=model_digest)
        statements: list[tuple[Fingerprint, Statement]] = [*keys.masks.items(), *keys.unsealing.items()]
        for party, statement in statements:
            state.keep_next_key(round_.plan, party, statement)
        if following is not None:
            record_plan(state, following)
    path = _leaves_from(session, round_.number)
    deliver(kept.read_bytes(), path, force=force)
    next_plan = deliver_plan(session.workspace, following.plan, force=force) if following else None
    return Aggregated(
        model=path,
        next_plan=next_plan,
        plan=plan,
        hospitals=len(cohort.updates),
        notes=tuple(collected.notes),
        lacking=tuple(lacking) if plan.stage < plan.stages else (),
        already=False,
    )


def deliver_again(session: Session, notes: tuple[str, ...], *, force: bool) -> Aggregated:
    """Deliver the last closed round's files once more: an earlier call may have been cut off before.

    :raises WorkspaceError: no round of the study was ever closed.
    """
    workspace, state = session.workspace, session.state
    rounds = state.rounds(workspace.config.study)
    closed = [round_ for round_ in rounds if round_.state is RoundState.CLOSED]
    if not closed:
        raise WorkspaceError(
            "no round is open",
            reason="round.none-open",
            file=workspace.root,
            advice="Type: privxray plan cards/*.card",
        )
    last, newest = closed[-1], rounds[-1]
    path = _leaves_from(session, last.number)
    deliver(workspace.model_copy(last.study, last.number).read_bytes(), path, force=force)
    next_plan = None
    if newest.state is RoundState.OPEN:
        next_plan = deliver_plan(workspace, load_plan(workspace, newest), force=force)
    plan = load_plan(workspace, last)
    keys = NextKeys(state.next_keys(last.plan, MaskStatement), state.next_keys(last.plan, UnsealingStatement))
    waits = last is newest and plan.stage < plan.stages
    return Aggregated(
        model=path,
        next_plan=next_plan,
        plan=plan,
        hospitals=len(keys.masks),  # each hospital in the sum stated one
        notes=notes,
        lacking=tuple(lacking_next_keys(plan, keys)) if waits else (),
        already=True,
    )


def _keep_model(kept: Path, collected: Collected, identity: Identity, tensors: dict[str, np.ndarray]) -> str:
    """Sign the global model and keep it; its digest."""
    model = write_model(tensors, collected.planned.signed, identity, stamp())
    make_private_folder(kept.parent)
    write_atomic(kept, model, overwrite=True)
    return split(model).digest


def _leaves_from(session: Session, number: int) -> Path:
    return session.workspace.models / f"global-{number:04d}.model"
