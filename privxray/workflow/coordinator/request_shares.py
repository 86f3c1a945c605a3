"""Asking the keyholders: the request of a round, made once, and what their answers give.

The survivors' updates are moved into the workspace before the request is recorded, and the request is
recorded before it leaves, so the survivor set that a keyholder sees is the one that is summed, whatever
happens between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import CohortError, PrivxrayError, RefusedError, UsageError
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import read_again
from privxray.exchange.messages.plan import PlanHeader, members_of
from privxray.exchange.messages.request import RequestHeader, write_request
from privxray.exchange.messages.share import open_share
from privxray.exchange.opening import checked_answer, restored_streams
from privxray.exchange.sharing.dealing import Dealt
from privxray.formats.container import split
from privxray.formats.header import Fingerprint
from privxray.keys.identity import Identity
from privxray.workflow.common.session import Passphrase, deliver, load_plan, stamp, unlock
from privxray.workflow.coordinator.collected_files import Collected, incomplete, request_copy, update_copy
from privxray.workspace.atomic import atomic_file, make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event, RoundState


@dataclass(frozen=True)
class Requested:
    """A request that is ready to be carried to every keyholder. ``already`` is set where it was made
    before.
    """

    path: Path
    plan: PlanHeader
    survivors: tuple[str, ...]
    missing: tuple[str, ...]
    keyholders: tuple[str, ...]
    notes: tuple[str, ...]
    already: bool


def request(
    workspace: Workspace,
    state: State,
    collected: Collected,
    round_: Round,
    passphrase: Passphrase,
    *,
    without: Sequence[str],
    force: bool,
) -> Requested:
    """Sign the round's one request, or deliver it again.

    :param without: names of the hospitals that are missing and not waited for; each has to be named.
    :raises CohortError: a hospital is missing and not named in ``without``, or a file is refused.
    :raises UsageError: ``without`` names a hospital that delivered, or none.
    :raises RefusedError: fewer survivors than the plan's minimum, or another set than the signed request's.
    """
    cohort = collected.cohort
    plan = cohort.plan
    folder = workspace.round_folder(round_.study, round_.number)
    already = cohort.request is not None
    if cohort.request is not None:
        survivors = cohort.request.survivors
        named = {member.name for member in members_of(plan, survivors)}
        if named & set(without):
            raise RefusedError(
                "the request of this round is signed with that hospital, and there is one request a round",
                advice="Carry it to the keyholders",
            )
        data = request_copy(folder).read_bytes()
    else:
        survivors = _survivors(workspace, collected, without)
        data = _sign(workspace, state, collected, round_, survivors, unlock(workspace, passphrase))
    path = workspace.root / f"round-{round_.number:04d}.request"
    deliver(data, path, force=force)
    assert plan.committee is not None
    holders = [plan.roster.party(seat.keyholder) for seat in plan.committee.seats]
    return Requested(
        path=path,
        plan=plan,
        survivors=tuple(member.name for member in members_of(plan, survivors)),
        missing=tuple(m.name for m in plan.roster.members if m.keys.fingerprint not in survivors),
        keyholders=tuple(holder.name for holder in holders if holder),
        notes=(*collected.notes, *differs_by_one(summed_before(workspace, state, round_), set(survivors))),
        already=already,
    )


def answers_of(collected: Collected, identity: Identity) -> list[tuple[bytes, bool]]:
    """The masks that the collected share files take off the survivors' sum.

    :raises CohortError: a share file does not open, or holds another share than was dealt; it names the
        keyholder.
    """
    cohort = collected.cohort
    plan, request_ = cohort.plan, cohort.request
    assert request_ is not None  # no share is taken in before
    dealt: dict[Fingerprint, Dealt] = {}
    for survivor in request_.survivors:
        one = cohort.updates[survivor].header.dealt
        assert one is not None  # admitted under a plan with a committee
        dealt[survivor] = one
    answers = {}
    for seat, answered in cohort.answers.items():
        received = collected.shares[seat]
        party = plan.roster.party(answered.header.sender)
        try:
            shares = open_share(answered.header, received.body(), request_.survivors, plan, identity)
            answers[seat] = checked_answer(cohort.signed, seat, dealt, shares)
        except PrivxrayError as error:
            raise CohortError(
                f"the share file of {party.name if party else seat} is refused: {error.what}",
                advice="Leave it out where enough others have answered; ask that keyholder how it came about",
            ) from error
    return restored_streams(cohort.signed, request_.survivors, answers)


def summed_before(workspace: Workspace, state: State, round_: Round) -> set[Fingerprint]:
    """The hospitals in the last sum that was opened in this study before a round; empty if none was."""
    closed = [
        r for r in state.rounds(round_.study) if r.number < round_.number and r.state is RoundState.CLOSED
    ]
    if not closed:
        return set()
    kept = request_copy(workspace.round_folder(round_.study, closed[-1].number))
    if kept.exists():
        return set(read_again(kept).envelope.claim(RequestHeader).survivors)
    return set(load_plan(workspace, closed[-1]).hospitals)


def _survivors(workspace: Workspace, collected: Collected, without: Sequence[str]) -> tuple[Fingerprint, ...]:
    cohort = collected.cohort
    plan, missing = cohort.plan, {member.name for member in cohort.missing}
    names = {member.name for member in plan.roster.members}
    for name in without:
        if name not in names:
            raise UsageError(f"no hospital of the plan is called {name}")
        if name not in missing:
            raise UsageError(f"{name} has delivered: leave its file away to go on without it")
    waiting = sorted(missing - set(without))
    if waiting or collected.refused:
        advice = "Wait, ask again, or go on without a hospital for good: --without NAME"
        raise incomplete(workspace, plan, waiting, collected.refused, advice)
    assert plan.committee is not None
    if len(cohort.updates) < plan.committee.minimum_cohort:
        raise CohortError(
            f"{len(cohort.updates)} hospitals have delivered, and the plan opens no sum of fewer than "
            f"{plan.committee.minimum_cohort}",
            file=workspace.updates,
            advice="Wait for more, or plan the round anew",
        )
    return tuple(sorted(cohort.updates))


def _sign(
    workspace: Workspace,
    state: State,
    collected: Collected,
    round_: Round,
    survivors: Sequence[Fingerprint],
    identity: Identity,
) -> bytes:
    folder = workspace.round_folder(round_.study, round_.number)
    make_private_folder(folder)
    make_private_folder(folder / "survivors")
    envelopes = {}
    for survivor in survivors:
        received = collected.updates[survivor]
        with received.path.open("rb") as stream:
            envelopes[survivor] = stream.read(received.envelope.length)
        with atomic_file(update_copy(folder, survivor), overwrite=True) as copy:
            for piece in received.whole():
                copy.write(piece)
    data = write_request(envelopes, collected.cohort.signed, identity, stamp())
    write_atomic(request_copy(folder), data, overwrite=True)
    with state.transaction():
        state.record_request(round_.plan, split(data).digest)
        state.change_round("coordinator", round_, Event.REQUEST)
    return data
