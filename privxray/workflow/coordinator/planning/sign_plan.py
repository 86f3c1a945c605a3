"""Signing a plan, opening its round, and letting it leave, in that order.

Tested in tests/cli/test_rounds.py and tests/cli/test_crash.py.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from privxray.exchange.admission.admit_hybrid import check_hybrid
from privxray.exchange.admission.admit_tasks import check_tasks
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.container import seal_header, split
from privxray.formats.header import Body
from privxray.keys.identity import Identity
from privxray.workflow.common.planned_round import last_of_task
from privxray.workflow.common.send import send
from privxray.workflow.common.study_words import remember_words, study_words
from privxray.workflow.custody.revoked import expect_none_revoked
from privxray.workspace.atomic import atomic_file, make_private_folder
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Planned:
    """A plan that is ready to be carried.

    :param key_words: what its parties compare by phone.
    :param warnings: what a person should heed.
    """

    path: Path
    plan: PlanHeader
    key_words: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A plan that is not signed yet: its header, and its body, which is the starting model or empty."""

    plan: PlanHeader
    body: bytes


def body_of(data: bytes) -> Body:
    """How a plan's header describes its body."""
    return Body(length=len(data), sha256=hashlib.sha256(data).hexdigest())


def sign_plan(session: Session, identity: Identity, draft: Draft, *, force: bool) -> Planned:
    """Sign a plan, open its round in place of the one before, and deliver it.

    :param force: replace another file that stands where the plan goes.
    :raises RefusedError: the plan is unsafe, see :meth:`PlanHeader.verify`; nothing was signed.
    """
    draft.plan.verify()
    check_tasks(draft.plan)
    check_hybrid(draft.plan)
    alike = last_of_task(session, draft.plan)
    signed = stage_plan(session.workspace, identity, draft)
    words = study_words(session.state, draft.plan)
    with session.state.transaction():
        record_plan(session.state, signed)
        remember_words(session.state, draft.plan, words)
    warnings: tuple[str, ...] = ()
    if alike and draft.plan.repeats is None:  # which has rules of its own
        warnings = differs_by_one(set(alike.hospitals), set(draft.plan.hospitals))
    return deliver_plan(session, draft.plan, warnings=warnings, force=force)


def stage_plan(workspace: Workspace, identity: Identity, draft: Draft) -> SignedPlan:
    """Sign a plan and keep it. It has not left yet, and until it is recorded it may be signed anew."""
    plan = draft.plan
    header = seal_header(plan, identity.signing, plan.sender)
    copy = workspace.plan_copy(plan.study_name, plan.round)
    make_private_folder(copy.parent)
    with atomic_file(copy, overwrite=True) as stream:
        stream.write(header)
        stream.write(draft.body)
    return SignedPlan.claimed(split(header))


def record_plan(state: State, signed: SignedPlan) -> None:
    """Open the round of a staged plan. Call it in a transaction, and let the plan leave afterwards.

    :raises RefusedError: a party of it has given its key up.
    """
    plan = signed.plan
    expect_none_revoked(state, plan.roster.parties)
    state.use_round_keys(plan.fresh_keys(), plan.round)
    study = plan.study_name
    last = state.last_round(study)
    if last is not None:
        state.change_round("coordinator", last, Event.SUCCEED)
    state.begin_round(
        "coordinator", Event.PLAN, study=study, number=plan.round, plan=signed.digest, stage=plan.stage
    )
    if plan.task is not None:
        state.note_task(study, plan.round, plan.task, plan.place.entry)


def deliver_plan(
    session: Session, plan: PlanHeader, *, warnings: tuple[str, ...] = (), force: bool = False
) -> Planned:
    """Put a recorded plan where it leaves from.

    :raises RefusedError: another file is there, and ``force`` is not set.
    """
    workspace = session.workspace
    path = workspace.root / f"plan-{plan.round:04d}.plan"
    words = plan.roster.key_words(plan.study_name, plan.coordinator)  # before the file: it takes 128 MiB
    data = workspace.plan_copy(plan.study_name, plan.round).read_bytes()
    send(session.state, data, path, force=force)
    return Planned(path, plan, words, warnings)
