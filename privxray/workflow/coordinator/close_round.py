"""Closing a round: the model or summary is signed, the next plan with it, and all leave once recorded.

Tested in tests/cli/test_rounds.py and tests/cli/test_many_rounds.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privxray.errors import STATUS_SAYS, WorkspaceError
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.exchange.messages.summary import write_summary
from privxray.formats.container import split
from privxray.formats.header import Digest, Fingerprint
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.statement import Statement
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.proof_file import proof_beside
from privxray.workflow.common.result_file import kept_result, result_path
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.common.summary_told import Told, told_by, told_of_round
from privxray.workflow.coordinator.collected_files import Collected
from privxray.workflow.coordinator.planning.continue_plan import next_stage
from privxray.workflow.coordinator.planning.next_parties import NextKeys, lacking_next_keys
from privxray.workflow.coordinator.planning.past_files import since_of
from privxray.workflow.coordinator.planning.sign_plan import Planned, deliver_plan, record_plan, stage_plan
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import Event, RoundState

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Summed:
    """What the sum of a round became.

    :param tensors: of the new model or summary.
    :param proof: the bytes of the round's proof; None under a plan without commitments.
    """

    tensors: dict[str, NDArray[Any]]
    proof: bytes | None


@dataclass(frozen=True)
class Aggregated:
    """The files that a finished round gave.

    :param model: the file of the model; of a round that only counts, that of the summary.
    :param counted: what the summary of a round says that only counts; None of a round that trains.
    :param proof: None under a plan without commitments.
    :param next_plan: None after the last stage of a task, and where ``lacking`` names somebody.
    :param hospitals: how many updates are in the sum.
    :param notes: which files were passed over.
    :param lacking: the parties whose keys for the next round have yet to come.
    :param already: the round had been closed before, and only its files were delivered again.
    """

    model: Path
    proof: Path | None
    next_plan: Planned | None
    plan: PlanHeader
    hospitals: int
    notes: tuple[str, ...]
    lacking: tuple[str, ...]
    already: bool
    counted: Told | None = None


def close_round(
    session: Session,
    collected: Collected,
    identity: Identity,
    summed: Summed,
    *,
    force: bool,
) -> Aggregated:
    """Sign the model or summary, and the next stage's plan if every party's key is here; deliver both.

    What comes after a task's last stage is for a person to decide, and is planned by ``plan --continue``.
    """
    cohort, planned, state = collected.cohort, collected.planned, session.state
    plan, round_ = planned.plan, planned.round
    keys = NextKeys(
        masks={sender: one.header.next_mask for sender, one in cohort.updates.items()},
        unsealing={one.header.sender: one.header.next_unsealing for one in cohort.answers.values()},
    )
    lacking = lacking_next_keys(plan, keys)
    digest = _keep(kept_result(session.workspace, round_), collected, identity, summed)
    following = None
    if plan.stage < plan.stages and not lacking:
        since = since_of(state, round_, digest)
        draft = next_stage(planned, keys, summed.tensors, since)
        following = stage_plan(session.workspace, identity, draft)
    with state.transaction():
        if round_.task in COUNTED:
            state.change_round("coordinator", round_, Event.SUM)
            state.set_summary(round_.study, round_.number, digest)
        else:
            state.change_round("coordinator", round_, Event.SUM, model=digest)
        statements: list[tuple[Fingerprint, Statement]] = [*keys.masks.items(), *keys.unsealing.items()]
        for party, statement in statements:
            state.keep_next_key(round_.plan, party, statement)
        if following is not None:
            record_plan(state, following)
    path, proof = _deliver(session, round_, force=force)
    next_plan = deliver_plan(session, following.plan, force=force) if following else None
    return Aggregated(
        model=path,
        counted=told_by(plan, summed.tensors, len(cohort.updates)) if round_.task in COUNTED else None,
        proof=proof,
        next_plan=next_plan,
        plan=plan,
        hospitals=len(cohort.updates),
        notes=tuple(collected.notes),
        lacking=tuple(lacking) if plan.next_place else (),
        already=False,
    )


def closed_with_result(session: Session) -> list[Round]:
    """The closed rounds of the coordinator's study that gave a model or a summary, oldest first."""
    rounds = session.state.rounds(session.workspace.config.study)
    return [one for one in rounds if one.state is RoundState.CLOSED and one.task != "agree"]


def deliver_again(session: Session, notes: tuple[str, ...], *, force: bool) -> Aggregated:
    """Deliver the last closed round's files once more: an earlier call may have been cut off before.

    :raises WorkspaceError: no round of the study was ever closed.
    """
    workspace, state = session.workspace, session.state
    rounds = state.rounds(workspace.config.study)
    closed = closed_with_result(session)
    if not closed:
        raise WorkspaceError(
            "no round is open",
            reason="round.none-open",
            file=workspace.root,
            advice=STATUS_SAYS,
        )
    last, newest = closed[-1], rounds[-1]
    path, proof = _deliver(session, last, force=force)
    next_plan = None
    if newest.state is RoundState.OPEN:
        next_plan = deliver_plan(session, load_plan(workspace, newest), force=force)
    plan = load_plan(workspace, last)
    keys = NextKeys(state.next_keys(last.plan, MaskStatement), state.next_keys(last.plan, UnsealingStatement))
    waits = last is newest and plan.next_place is not None
    return Aggregated(
        model=path,
        counted=told_of_round(session, last, len(keys.masks)),
        proof=proof,
        next_plan=next_plan,
        plan=plan,
        hospitals=len(keys.masks),  # each hospital in the sum stated one
        notes=notes,
        lacking=tuple(lacking_next_keys(plan, keys)) if waits else (),
        already=True,
    )


def _keep(kept: Path, collected: Collected, identity: Identity, summed: Summed) -> Digest:
    """Keep the proof, then sign the global model or the summary and keep it; its digest."""
    make_private_folder(kept.parent)
    proof = None
    if summed.proof is not None:
        write_atomic(proof_beside(kept), summed.proof, overwrite=True)
        proof = split(summed.proof).digest
    write = write_summary if collected.plan.its_task in COUNTED else write_model
    result = write(summed.tensors, collected.planned.signed, identity, stamp(), proof=proof)
    write_atomic(kept, result, overwrite=True)
    return split(result).digest


def _deliver(session: Session, round_: Round, *, force: bool) -> tuple[Path, Path | None]:
    """Let the result of a closed round leave, and its proof where it has one; where they leave from."""
    kept, path = kept_result(session.workspace, round_), result_path(session.workspace, round_)
    send(session.state, kept.read_bytes(), path, force=force)
    if not proof_beside(kept).exists():
        return path, None
    send(session.state, proof_beside(kept).read_bytes(), proof_beside(path), force=force)
    return path, proof_beside(path)
