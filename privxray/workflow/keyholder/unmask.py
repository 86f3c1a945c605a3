"""A keyholder's answer: once a round, fixed before it leaves, and never for two different requests."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, MalformedError, RefusedError, about
from privxray.exchange.admission.admit_opening import admit_request, admit_survivors
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import Received, read_again, take_in
from privxray.exchange.messages.plan import PlanHeader, SignedPlan, members_of
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import ShareHeader, write_share
from privxray.exchange.sharing.dealing import Opened, SecretName, open_box
from privxray.formats.header import Fingerprint
from privxray.workflow.common.new_round_keys import new_unsealing_key, open_unsealing_key
from privxray.workflow.common.session import (
    Passphrase,
    deliver,
    load_plan,
    public_keys,
    stamp,
    unlock,
)
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Unmasked:
    """A share file that is ready to be carried. ``again`` is set where it had been written before."""

    path: Path
    plan: PlanHeader
    survivors: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    again: bool


def unmask(
    workspace: Workspace,
    path: Path,
    passphrase: Passphrase,
    *,
    folder: Path | None = None,
    force: bool = False,
) -> Unmasked:
    """Answer the coordinator's request with this keyholder's shares.

    The answer's bytes are fixed in the transaction that also destroys the unsealing key, so that whatever
    happens afterwards there is one answer of this keyholder to this round.

    :param folder: where the share file goes, by default the workspace.
    :raises IdentityError: the request, or an update in it, is not signed by whom it must be; or a hospital's
        shares are not what it committed to.
    :raises RefusedError: a request that no keyholder should follow; see
        :mod:`privxray.exchange.admission.admit_opening`.
    """
    workspace.require(("hospital", "trustee"), "unmask")
    with workspace.locked(), State(workspace.state_path) as state, take_in(path, workspace.inbox) as received:
        round_ = _round_of(state, received)
        plan = load_plan(workspace, round_)
        before = state.answer_of(round_.plan)
        own = public_keys(workspace).fingerprint
        header, seat = admit_request(
            received.envelope, SignedPlan(plan, round_.plan), own, before[0] if before else None
        )
        received.check_body(header.body)
        kept = workspace.round_folder(round_.study, round_.number) / "answer.share"
        again = before is not None
        if before is None:
            if round_ != state.last_round(round_.study):
                raise RefusedError("this round is over here: a later plan of the study is followed already")
            _not_prepared_for_another(kept, received.envelope.digest)
            _answer(workspace, state, received, plan, round_, header, seat, passphrase, kept)
            before = state.answer_of(round_.plan)
        with about(kept):
            data = kept.read_bytes()
            if before is None or hashlib.sha256(data).hexdigest() != before[1]:
                raise MalformedError("this is not the answer that was given", advice="Restore a backup")
        target = (folder or workspace.root) / f"{workspace.config.name}-{round_.number:04d}.share"
        deliver(data, target, force=force)
        survivors = tuple(member.name for member in members_of(plan, header.survivors))
        return Unmasked(
            path=target,
            plan=plan,
            survivors=survivors,
            missing=tuple(m.name for m in plan.roster.members if m.name not in survivors),
            warnings=(
                *_left_out(round_, own, header.survivors),
                *differs_by_one(_answered_before(state, round_), set(header.survivors)),
            ),
            again=again,
        )


def _not_prepared_for_another(kept: Path, digest: str) -> None:
    """Whether an answer lies here that the state does not know of, and to another request.

    A crash right before the state was written leaves one to this request. One to another request shows a
    state that is older than its folder: restored, or put back.
    """
    if kept.exists() and read_again(kept).envelope.claim(ShareHeader).request != digest:
        raise RefusedError(
            "an answer to another request of this round lies here, and the state does not know of it",
            advice="If state.db was restored from a backup, don't help: a keyholder answers one request. "
            f"Tell the data officers of the hospitals. (The answer is {kept})",
        )


def _left_out(round_: Round, own: str, survivors: Collection[str]) -> tuple[str, ...]:
    """A warning where this hospital delivered and is not in the sum."""
    if round_.update_sha256 is None or own in survivors:
        return ()
    return (
        "this hospital has exported its update of this round, and the request leaves it out: ask the "
        "coordinator why before you carry the answer",
    )


def _round_of(state: State, received: Received) -> Round:
    """The round whose plan the request says to obey; admit_request then demands that it does."""
    if received.envelope.kind != "request":
        raise MalformedError(
            f"this is a file of kind {received.envelope.kind}, and the coordinator's request is answered here"
        )
    claimed = received.envelope.claim(RequestHeader)
    round_ = next((r for r in state.rounds(claimed.study) if r.plan == claimed.plan), None)
    if round_ is None:
        raise RefusedError(
            "this request is of a plan that was not joined here",
            advice="Don't help; ask the coordinator and another hospital which plan this is",
        )
    return round_


def _answered_before(state: State, round_: Round) -> set[Fingerprint]:
    """The survivors of the last request of the study that this keyholder answered before this round."""
    earlier = [r for r in state.rounds(round_.study) if r.number < round_.number]
    return next((known for r in reversed(earlier) if (known := state.survivors_of(r.plan))), set())


def _answer(
    workspace: Workspace,
    state: State,
    received: Received,
    plan: PlanHeader,
    round_: Round,
    header: RequestHeader,
    seat: int,
    passphrase: Passphrase,
    kept: Path,
) -> None:
    signed = SignedPlan(plan, round_.plan)
    dealt = admit_survivors(header, received.body(), signed)
    identity = unlock(workspace, passphrase)
    assert plan.committee is not None
    key = open_unsealing_key(state, plan.committee.seats[seat - 1].unsealing.key, identity)
    opened: dict[Fingerprint, dict[SecretName, Opened]] = {}
    for owner, boxes in dealt.items():
        try:
            opened[owner] = open_box(boxes, signed.dealing(owner), seat, key)
        except IdentityError as error:
            member = plan.roster.named(owner)
            raise IdentityError(
                f"{member.name if member else owner}: {error.what}",
                advice="Nothing was answered; the round has to be planned anew without that hospital",
            ) from error
    make_private_folder(kept.parent)
    with state.transaction():
        following = new_unsealing_key(state, identity, plan.study)
        asked = SignedRequest(header, received.envelope.digest)
        data = write_share(opened, asked, plan, identity, following, stamp())
        write_atomic(kept, data, overwrite=True)
        state.record_answer(
            round_.plan, received.envelope.digest, hashlib.sha256(data).hexdigest(), header.survivors
        )
        state.unsealing_keys.burn_plan(round_.plan)
        state.change_round(workspace.config.role, round_, Event.ANSWER)
