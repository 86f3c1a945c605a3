"""Asking the keyholders: the request of a round, made once.

The survivors' updates are moved into the workspace before the request is recorded, and the request is
recorded before it leaves, so the survivor set that a keyholder sees is the one that is summed, whatever
happens between.

Tested in tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import STATUS_SAYS, CohortError, RefusedError, UsageError
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import PlanHeader, members_of
from privxray.exchange.messages.request import RequestHeader, write_request
from privxray.exchange.opening_committed import expect_as_committed
from privxray.formats.container import split
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound, load_plan
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.coordinator.close_round import closed_with_result
from privxray.workflow.coordinator.collected_files import Collected, incomplete, request_copy, update_copy
from privxray.workflow.coordinator.open_round_sum import committed_updates
from privxray.workspace.atomic import atomic_file, make_private_folder, write_atomic
from privxray.workspace.session import Session
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Requested:
    """A request that is ready to be carried to every keyholder.

    :param survivors: the hospitals whose sum it asks for, by name.
    :param missing: the plan's other hospitals.
    :param keyholders: whom it is for.
    :param notes: which files were passed over, and what a person should heed.
    :param already: it was made before.
    """

    path: Path
    plan: PlanHeader
    survivors: tuple[str, ...]
    missing: tuple[str, ...]
    keyholders: tuple[str, ...]
    notes: tuple[str, ...]
    already: bool


def request(
    session: Session,
    collected: Collected,
    passphrase: Passphrase,
    *,
    without: Sequence[str],
    force: bool,
) -> Requested:
    """Sign the round's one request, or deliver it again.

    :param without: names of the hospitals that are missing and not waited for; each has to be named.
    :param force: replace another file that stands where the request goes.
    :raises CohortError: a hospital is missing and not named in ``without``, a file is refused, or there are
        fewer survivors than the plan's minimum.
    :raises UsageError: ``without`` names a hospital that delivered, or none.
    :raises RefusedError: ``without`` names a hospital that is in the signed request.
    """
    plan, signed = collected.plan, collected.cohort.request
    already = signed is not None
    if signed is not None:
        survivors = signed.survivors
        _expect_outside(plan, survivors, without)
        collected.blocking(complete=True)  # strays are told; nothing waits for a file any more
        data = request_copy(collected.planned.folder).read_bytes()
    else:
        survivors = _survivors(session, collected, without)
        identity = unlock(session.workspace, passphrase)
        if plan.commitments is not None:
            expect_as_committed(plan, committed_updates(collected, identity))
        data = _sign(session, collected, survivors, identity)
    path = session.root / f"round-{plan.round:04d}.request"
    send(session.state, data, path, force=force)
    summed_before = _summed_before(session, collected.planned)
    return Requested(
        path=path,
        plan=plan,
        survivors=tuple(member.name for member in members_of(plan, survivors)),
        missing=tuple(m.name for m in plan.roster.members if m.keys.fingerprint not in survivors),
        keyholders=tuple(plan.roster.known_party(seat.keyholder).name for seat in plan.keyholding.seats),
        notes=(*collected.notes, *differs_by_one(summed_before, set(survivors))),
        already=already,
    )


def _summed_before(session: Session, planned: PlannedRound) -> set[Fingerprint]:
    """The hospitals in the last sum of the same task that was opened before a round; empty if none was."""
    number, task = planned.round.number, planned.round.task
    closed = [one for one in closed_with_result(session) if one.number < number and one.task == task]
    if not closed:
        return set()
    last = closed[-1]
    kept = request_copy(session.workspace.round_folder(last.study, last.number))
    if kept.exists():
        return set(read_again(kept).envelope.claim(RequestHeader).survivors)
    return set(load_plan(session.workspace, last).hospitals)


def _expect_outside(plan: PlanHeader, survivors: Sequence[Fingerprint], without: Iterable[str]) -> None:
    """:raises RefusedError: a hospital that the signed request names is to be left out now."""
    if {member.name for member in members_of(plan, survivors)} & set(without):
        raise RefusedError(
            "the request of this round is signed with that hospital, and there is one request a round",
            reason="request.signed-with-it",
            advice=STATUS_SAYS,
        )


def _survivors(session: Session, collected: Collected, without: Sequence[str]) -> tuple[Fingerprint, ...]:
    """The hospitals whose sum is asked for: all that delivered, if everybody else is named in ``without``."""
    cohort, plan = collected.cohort, collected.plan
    missing = {member.name for member in cohort.missing}
    names = {member.name for member in plan.roster.members}
    for name in without:
        if name not in names:
            raise UsageError(f"no hospital of the plan is called {name}", reason="without.unknown")
        if name not in missing:
            raise UsageError(
                f"{name} has delivered: leave out its file to go on without it", reason="without.delivered"
            )
    bound = plan.without.asked if plan.without else None
    if bound is not None:
        return _as_before(session, collected, bound)
    waiting = sorted(missing - set(without))
    blocking = collected.blocking(complete=not missing)
    if waiting or blocking:
        advice = "Wait, ask again, or go on without a hospital for good: --without NAME"
        raise incomplete(session, plan, waiting, blocking, advice)
    least = plan.keyholding.minimum_cohort
    if len(cohort.updates) < least:
        raise CohortError(
            f"{len(cohort.updates)} hospitals have delivered, and the plan opens no sum of fewer than "
            f"{least}",
            reason="cohort.below-minimum",
            file=session.workspace.updates,
            advice="Wait for more, or plan the round anew",
        )
    return tuple(sorted(cohort.updates))


def _as_before(
    session: Session, collected: Collected, bound: Sequence[Fingerprint]
) -> tuple[Fingerprint, ...]:
    """The hospitals whose sum was asked for in the round that this one repeats: it is asked for again.

    :raises CohortError: one of them has not delivered.
    """
    awaited = {member.name for member in members_of(collected.plan, bound)}
    waiting = sorted(awaited & {member.name for member in collected.cohort.missing})
    blocking = collected.blocking(complete=not waiting)
    if waiting or blocking:
        advice = (
            "The keyholders help to open the sum of the same hospitals only: wait, ask again, or repeat the "
            "round without a hospital that signs a waiver (privxray waive)"
        )
        raise incomplete(session, collected.plan, waiting, blocking, advice)
    return tuple(sorted(bound))


def _sign(
    session: Session, collected: Collected, survivors: Sequence[Fingerprint], identity: Identity
) -> bytes:
    """Move the survivors' updates into the workspace, then sign and record the request for their sum."""
    planned = collected.planned
    make_private_folder(planned.folder / "survivors")
    envelopes = {}
    for survivor in survivors:
        received = collected.updates[survivor]
        with received.path.open("rb") as stream:
            envelopes[survivor] = stream.read(received.envelope.length)
        with atomic_file(update_copy(planned.folder, survivor), overwrite=True) as copy:
            for piece in received.whole():
                copy.write(piece)
    data = write_request(envelopes, planned.signed, identity, stamp())
    write_atomic(request_copy(planned.folder), data, overwrite=True)
    with session.state.transaction():
        session.state.record_request(planned.round.plan, split(data).digest)
        session.state.change_round("coordinator", planned.round, Event.REQUEST)
    return data
