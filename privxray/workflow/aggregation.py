"""The coordinator's sum: every update of the round, or nothing.

Files are copied in, verified and matched with the roster before any is decrypted. The sum is then taken in
integers while the bodies stream through, so memory holds two vectors whatever the number of hospitals, and
the masks cancel only if every hospital of the roster is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from privxray.atomic import make_private_folder, write_atomic
from privxray.errors import CohortError, PrivxrayError, RefusedError, WorkspaceError
from privxray.exchange.admit import admit_update, read_update
from privxray.exchange.fixedpoint import dequantise, unsigned
from privxray.exchange.intake import Received, take_in
from privxray.exchange.model import write_model
from privxray.exchange.plan import PlanHeader
from privxray.exchange.summing import add_to_sum
from privxray.exchange.update import UpdateHeader, open_update
from privxray.formats.container import split
from privxray.formats.tensors import total_size, unpack
from privxray.keys.identity import Identity
from privxray.keys.roster import Member
from privxray.state import Round, State
from privxray.workflow.common import SOFTWARE, Passphrase, deliver, load_plan, now, read_plan, unlock
from privxray.workflow.enrolment import Planned, deliver_plan, next_stage, record_plan, stage_plan
from privxray.workspace import Workspace


@dataclass(frozen=True)
class Aggregated:
    """The files that a finished round gave.

    ``notes`` say which files were passed over. ``next_plan`` is None after the last stage. ``already`` is set
    where the round had been closed before and only its files were delivered again.
    """

    model: Path
    next_plan: Planned | None
    plan: PlanHeader
    notes: tuple[str, ...]
    already: bool


@dataclass(frozen=True)
class _Good:
    received: Received
    header: UpdateHeader
    member: Member


def aggregate(
    workspace: Workspace, paths: Sequence[Path], passphrase: Passphrase, *, force: bool = False
) -> Aggregated:
    """Add up the updates of the open round and sign the global model.

    :raises CohortError: somebody of the roster is missing or refused; nothing is changed. Its text names
        everybody concerned and why.
    :raises WorkspaceError: there is no plan yet.
    """
    workspace.require("coordinator", "aggregate")
    with workspace.locked(), State(workspace.state_path) as state, ExitStack() as copies:
        study = workspace.config.study or ""
        rounds = state.rounds(study)
        if not rounds:
            raise WorkspaceError(
                "no round is planned yet", file=workspace.root, advice="Type: privxray plan cards/*.card"
            )
        good, notes, refused = _sort(workspace, state, paths, copies)
        if rounds[-1].state != "open":
            if refused:
                raise CohortError(
                    f"no round is open, and a file is refused: {'; '.join(refused)}", file=workspace.updates
                )
            return _again(workspace, rounds, notes, force)
        plan, file = read_plan(workspace, rounds[-1])
        if plan.stage > 1 and not good and not refused:
            return _again(workspace, rounds, notes, force)
        missing = [m.name for m in plan.roster.members if m.keys.fingerprint not in good]
        if missing or refused:
            raise _incomplete(workspace, plan, missing, refused)
        identity = unlock(workspace, passphrase)
        sums = _sum(workspace, plan, [good[fingerprint] for fingerprint in sorted(good)], identity)
        start = unpack(file.body()) if plan.body.length else {}
        return _close(workspace, state, identity, plan, rounds[-1], sums, start, good, notes, force)


def model_path(workspace: Workspace, number: int) -> Path:
    """Where the global model of a round leaves from."""
    return workspace.models / f"global-{number:04d}.model"


def _kept_model(workspace: Workspace, round_: Round) -> Path:
    return workspace.round_folder(round_.study, round_.number) / "global.model"


def _sort(
    workspace: Workspace, state: State, paths: Sequence[Path], copies: ExitStack
) -> tuple[dict[str, _Good], tuple[str, ...], list[str]]:
    """Copy files in and tell the good ones of the open round, those to pass over, and the refused ones."""
    rounds = state.rounds(workspace.config.study)
    plans = {round_.plan: load_plan(workspace, round_) for round_ in rounds}
    everybody = {m.keys.fingerprint: m for plan in plans.values() for m in plan.roster.members}
    current = rounds[-1]
    used = state.used_mask_keys()
    good: dict[str, _Good] = {}
    notes: list[str] = []
    refused: list[str] = []
    for path in paths:
        who = path.name
        try:
            received = copies.enter_context(take_in(path, workspace.inbox))
            named = everybody.get(received.envelope.key_id)
            who = f"{named.name} ({path.name})" if named else path.name
            header, member = read_update(received.envelope, everybody.values())
            if header.plan in plans and (header.plan != current.plan or current.state != "open"):
                notes.append(f"{who} is of round {header.round}, which is over: passed over")
                continue
            admit_update(header, plans[current.plan].roster.named(header.sender) or member,
                         plans[current.plan], current.plan)  # fmt: skip
            received.check_body(header.body)
            if header.next_mask.key in used or any(
                other.header.next_mask.key == header.next_mask.key
                for sender, other in good.items()
                if sender != header.sender
            ):
                raise RefusedError("its next mask key was used before")
            first = good.get(header.sender)
            if first and first.received.sha256 != received.sha256:
                raise RefusedError(f"another update of the same sender is {first.received.source.name}")
            good[header.sender] = _Good(received, header, member)
            if header.epsilon > plans[current.plan].epsilon:
                notes.append(f"{who} has spent more than the plan's epsilon in this study: it trained anew")
        except PrivxrayError as error:
            refused.append(f"{who}: {error.what}")
    return good, tuple(notes), refused


def _incomplete(
    workspace: Workspace, plan: PlanHeader, missing: Sequence[str], refused: Sequence[str]
) -> CohortError:
    parts = []
    if missing:
        parts.append(f"missing: {', '.join(missing)}")
    if refused:
        parts.append(f"refused: {'; '.join(refused)}")
    return CohortError(
        f"round {plan.round} can't be summed, nothing was changed ({'; '.join(parts)})",
        file=workspace.updates,
        advice="Wait for what is missing, ask for what is refused again, leave out what does not belong",
    )


def _sum(
    workspace: Workspace, plan: PlanHeader, updates: Sequence[_Good], identity: Identity
) -> dict[str, np.ndarray]:
    total = np.zeros(total_size(plan.manifest), unsigned(plan.modulus_bits))
    for update in updates:
        pieces = open_update(update.header, update.received.pieces(), identity)
        try:
            add_to_sum(total, pieces, plan.modulus_bits)
        except PrivxrayError as error:
            raise _incomplete(workspace, plan, [], [f"{update.member.name}: {error.what}"]) from error
    return dequantise(total, plan.manifest, plan.modulus_bits)


def _close(
    workspace: Workspace,
    state: State,
    identity: Identity,
    plan: PlanHeader,
    round_: Round,
    sums: dict[str, np.ndarray],
    start: dict[str, np.ndarray],
    good: dict[str, _Good],
    notes: tuple[str, ...],
    force: bool,
) -> Aggregated:
    from privxray.learning import methods

    method = methods.get(plan.method)
    constants = method.constants(plan.constants)
    tensors = method.combine(sums, len(good), constants, plan.classes, start)
    model = write_model(tensors, plan, round_.plan, identity, created=now(), software=SOFTWARE)
    kept = _kept_model(workspace, round_)
    make_private_folder(kept.parent)
    write_atomic(kept, model, overwrite=True)
    following = None
    if plan.stage < plan.stages:
        members = [
            m.model_copy(update={"mask": good[m.keys.fingerprint].header.next_mask})
            for m in plan.roster.members
        ]
        following, body = next_stage(plan, round_.plan, members, tensors)
        following.verify()
        following_data = stage_plan(workspace, identity, following, body)
    with state.transaction():
        state.update_round(round_.study, round_.number, state="closed", model=split(model).digest)
        if following is not None:
            record_plan(state, following, following_data)
    deliver(model, model_path(workspace, round_.number), force=force)
    planned = deliver_plan(workspace, following, following_data, force=force) if following else None
    return Aggregated(model_path(workspace, round_.number), planned, plan, notes, already=False)


def _again(workspace: Workspace, rounds: Sequence[Round], notes: tuple[str, ...], force: bool) -> Aggregated:
    """Deliver the last closed round's files once more: an earlier call may have been cut off before."""
    closed = [round_ for round_ in rounds if round_.state == "closed"]
    if not closed:
        raise WorkspaceError(
            "no round is open", file=workspace.root, advice="Type: privxray plan cards/*.card"
        )
    last, newest = closed[-1], rounds[-1]
    path = model_path(workspace, last.number)
    deliver(_kept_model(workspace, last).read_bytes(), path, force=force)
    planned = None
    if newest.state == "open":
        data = workspace.plan_copy(newest.study, newest.number).read_bytes()
        planned = deliver_plan(workspace, load_plan(workspace, newest), data, force=force)
    return Aggregated(path, planned, load_plan(workspace, last), notes, already=True)
