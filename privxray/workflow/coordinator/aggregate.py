"""The coordinator's sum: the updates of the round, opened together or not at all.

Files are copied in, verified and matched with the roster before any is decrypted. The sum is then taken in
integers while the bodies stream through, so memory holds two vectors whatever the number of hospitals. In the
mode ``strict`` the masks cancel only if every hospital of the roster is in it; in the mode ``keyholders`` a
first call asks for the masks that are left (:mod:`.request_shares`), and a second one, with the answers,
opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from privxray.errors import CohortError, PrivxrayError, UsageError, WorkspaceError
from privxray.exchange.intake import Received
from privxray.exchange.masking.fixed_point import Integers, dequantise
from privxray.exchange.messages.model import write_model
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.update import open_update
from privxray.exchange.opening import open_sum
from privxray.formats.container import split
from privxray.formats.tensors import unpack
from privxray.keys.identity import Identity
from privxray.keys.maskkey import MaskStatement
from privxray.keys.unsealing import UnsealingStatement
from privxray.workflow.common.session import (
    Passphrase,
    deliver,
    global_copy,
    load_plan,
    read_plan,
    stamp,
    unlock,
)
from privxray.workflow.coordinator.collected_files import Collected, collect, incomplete
from privxray.workflow.coordinator.enrolment import carry_on, lacking_next_keys
from privxray.workflow.coordinator.make_plan import Planned, deliver_plan, next_stage, record_plan, stage_plan
from privxray.workflow.coordinator.request_shares import Requested, answers_of, request
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event, RoundState


@dataclass(frozen=True)
class Aggregated:
    """The files that a finished round gave.

    ``hospitals`` is how many updates are in the sum. ``notes`` say which files were passed over.
    ``next_plan`` is None after the last stage, and where ``lacking`` names parties whose next key has yet to
    come. ``already`` is set where the round had been closed before and only its files were delivered again.
    """

    model: Path
    next_plan: Planned | None
    plan: PlanHeader
    hospitals: int
    notes: tuple[str, ...]
    lacking: tuple[str, ...]
    already: bool


def aggregate(
    workspace: Workspace,
    paths: Sequence[Path],
    passphrase: Passphrase,
    *,
    without: Sequence[str] = (),
    force: bool = False,
) -> Aggregated | Requested:
    """Add up the updates of the open round and sign the global model, or the request that comes before it.

    :param without: hospitals that a request goes on without; only in the mode ``keyholders``.
    :raises CohortError: somebody is missing or refused; nothing is changed. Its text names everybody
        concerned and why.
    :raises UsageError: ``without`` in a strict round, or together with share files.
    :raises WorkspaceError: there is no plan yet.
    """
    workspace.require("coordinator", "aggregate")
    with workspace.locked(), State(workspace.state_path) as state, ExitStack() as copies:
        rounds = state.rounds(workspace.config.study or "")
        if not rounds:
            raise WorkspaceError(
                "no round is planned yet", file=workspace.root, advice="Type: privxray plan cards/*.card"
            )
        newest = rounds[-1]
        collected = collect(workspace, state, paths, copies)
        if not newest.state.awaits_files:
            if collected.refused:
                raise CohortError(
                    f"no round is open, and a file is refused: {'; '.join(collected.refused)}",
                    file=workspace.updates,
                )
            return _again(workspace, state, rounds, tuple(collected.notes), force)
        plan, file = read_plan(workspace, newest)
        if without and (plan.committee is None or collected.shares):
            raise UsageError(
                "--without has no place here: it goes with the updates of a round that has keyholders",
                advice="A strict round needs every hospital: wait, or plan it anew: privxray plan --continue "
                "--without NAME",
            )
        if (
            newest.state is RoundState.OPEN
            and plan.stage > 1
            and not collected.updates
            and not collected.refused
        ):
            return _again(workspace, state, rounds, tuple(collected.notes), force)
        if plan.committee is not None and not collected.shares:
            return request(workspace, state, collected, newest, passphrase, without=without, force=force)
        _complete(workspace, collected)
        identity = unlock(workspace, passphrase)
        tensors = _model(workspace, collected, identity, file)
        return _close(workspace, state, identity, collected, newest, tensors, force)


def model_path(workspace: Workspace, number: int) -> Path:
    """Where the global model of a round leaves from."""
    return workspace.models / f"global-{number:04d}.model"


def _complete(workspace: Workspace, collected: Collected) -> None:
    """:raises CohortError: not everything that opens the sum is here."""
    cohort, missing = collected.cohort, []
    if cohort.plan.committee is None:
        missing = [member.name for member in cohort.missing]
    elif cohort.answers_lacking:
        answered = {one.header.sender for one in cohort.answers.values()}
        silent = [
            party.name
            for seat in cohort.plan.committee.seats
            if seat.keyholder not in answered and (party := cohort.plan.roster.party(seat.keyholder))
        ]
        missing = [f"{cohort.answers_lacking} more of the share files of {', '.join(silent)}"]
    if missing or collected.refused:
        raise incomplete(workspace, cohort.plan, missing, collected.refused)


def _model(
    workspace: Workspace, collected: Collected, identity: Identity, plan_file: Received
) -> dict[str, np.ndarray]:
    """The tensors of the new model. The sum and the starting model are out of memory when it returns."""
    from privxray.learning import methods

    plan = collected.cohort.plan
    start = unpack(plan_file.body()) if plan.body.length else {}
    total = _sum(workspace, collected, identity)
    sums = dequantise(total, plan.manifest, plan.modulus_bits)
    return methods.combine(plan.method, sums, len(collected.updates), plan.constants, plan.classes, start)


def _sum(workspace: Workspace, collected: Collected, identity: Identity) -> Integers:
    plan, updates = collected.cohort.plan, collected.updates
    left_over = answers_of(collected, identity) if plan.committee else []
    bodies = (
        (
            member.name,
            open_update(collected.cohort.updates[sender].header, updates[sender].pieces(), identity),
        )
        for sender in sorted(updates)
        if (member := plan.roster.named(sender))
    )
    try:
        return open_sum(plan, bodies, left_over)
    except PrivxrayError as error:
        what = f"{error.file}: {error.what}" if error.file else error.what
        raise incomplete(workspace, plan, [], [what]) from error


def _close(
    workspace: Workspace,
    state: State,
    identity: Identity,
    collected: Collected,
    round_: Round,
    tensors: dict[str, np.ndarray],
    force: bool,
) -> Aggregated:
    cohort = collected.cohort
    plan = cohort.plan
    masks = {sender: one.header.next_mask for sender, one in cohort.updates.items()}
    unsealing = {one.header.sender: one.header.next_unsealing for one in cohort.answers.values()}
    lacking = lacking_next_keys(plan, masks, unsealing)
    kept = global_copy(workspace, round_)
    model_digest = _keep_model(kept, plan, round_, identity, tensors)
    following = None
    if plan.stage < plan.stages and not lacking:
        parties = carry_on([], plan, masks, unsealing, (), plan.coordinator)
        following, body = next_stage(plan, round_.plan, parties, tensors)
        following.verify()
        following_hash = stage_plan(workspace, identity, following, body)
        del body
    with state.transaction():
        state.change_round("coordinator", round_, Event.SUM, model=model_digest)
        for sender, statement in [*masks.items(), *unsealing.items()]:
            state.keep_next_key(round_.plan, sender, statement.KIND, statement.model_dump_json())
        if following is not None:
            record_plan(state, following, following_hash)
    deliver(kept.read_bytes(), model_path(workspace, round_.number), force=force)
    planned = deliver_plan(workspace, following, force=force) if following else None
    return Aggregated(
        model=model_path(workspace, round_.number),
        next_plan=planned,
        plan=plan,
        hospitals=len(cohort.updates),
        notes=tuple(collected.notes),
        lacking=tuple(lacking) if plan.stage < plan.stages else (),
        already=False,
    )


def _keep_model(
    kept: Path, plan: PlanHeader, round_: Round, identity: Identity, tensors: dict[str, np.ndarray]
) -> str:
    """Sign the global model and keep it; its digest."""
    model = write_model(tensors, SignedPlan(plan, round_.plan), identity, stamp())
    make_private_folder(kept.parent)
    write_atomic(kept, model, overwrite=True)
    return split(model).digest


def _again(
    workspace: Workspace, state: State, rounds: Sequence[Round], notes: tuple[str, ...], force: bool
) -> Aggregated:
    """Deliver the last closed round's files once more: an earlier call may have been cut off before."""
    closed = [round_ for round_ in rounds if round_.state is RoundState.CLOSED]
    if not closed:
        raise WorkspaceError(
            "no round is open", file=workspace.root, advice="Type: privxray plan cards/*.card"
        )
    last, newest = closed[-1], rounds[-1]
    path = model_path(workspace, last.number)
    deliver(global_copy(workspace, last).read_bytes(), path, force=force)
    planned = None
    if newest.state is RoundState.OPEN:
        planned = deliver_plan(workspace, load_plan(workspace, newest), force=force)
    plan = load_plan(workspace, last)
    masks = state.next_keys(last.plan, MaskStatement.KIND)  # of each hospital in the sum
    waits = last is newest and plan.stage < plan.stages
    lacking = (
        lacking_next_keys(plan, masks, state.next_keys(last.plan, UnsealingStatement.KIND)) if waits else []
    )
    return Aggregated(path, planned, plan, len(masks), notes, tuple(lacking), already=True)
