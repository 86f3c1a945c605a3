"""``unmask``: a keyholder's answer, once a round, fixed before it leaves, never to two different requests.

Tested in tests/cli/test_keyholders.py and tests/attacks/test_keyholders_played_off.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, MalformedError, RefusedError, about
from privxray.exchange.admission.admit_opening import admit_request, admit_survivors
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import Received, read_again, take_in
from privxray.exchange.messages.plan import PlanHeader, members_of
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.exchange.messages.share import ShareHeader, write_share
from privxray.exchange.sharing.dealing import Dealt, Opened, SecretName, open_box
from privxray.formats.header import Fingerprint
from privxray.keys.sealing_keys import SealingKey
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import deliver
from privxray.workflow.common.new_round_keys import new_unsealing_key, open_unsealing_key
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.stamp import stamp
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.keyholder_tables import GivenAnswer
from privxray.workspace.session import Session, working
from privxray.workspace.state import State
from privxray.workspace.study_tables import Round
from privxray.workspace.transitions import Event


@dataclass(frozen=True)
class Unmasked:
    """A share file that is ready to be carried.

    :param survivors: the hospitals whose sum it helps to open, by name.
    :param missing: the plan's other hospitals.
    :param again: it was written before, and holds the same bytes.
    """

    path: Path
    plan: PlanHeader
    survivors: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    again: bool


@dataclass(frozen=True)
class _Question:
    """A request that passed every rule that needs no body, and the seat that is to answer it."""

    planned: PlannedRound
    asked: SignedRequest
    body: bytes
    seat: int

    @property
    def kept(self) -> Path:
        """Where the exact bytes of the answer are kept."""
        return self.planned.folder / "answer.share"


def unmask(
    workspace: Workspace,
    path: Path,
    passphrase: Passphrase,
    *,
    folder: Path | None = None,
    force: bool = False,
) -> Unmasked:
    """Answer the coordinator's request with this keyholder's shares.

    The answer's bytes are fixed in the transaction that also destroys the unsealing key. Whatever happens
    afterwards, there is one answer of this keyholder to this round.

    :param folder: where the share file goes, by default the workspace.
    :param force: replace another file that stands there.
    :raises IdentityError: the request, or an update in it, is not signed by whom it must be; or a hospital's
        shares are not what it committed to.
    :raises RefusedError: a request that no keyholder should follow; see
        :mod:`privxray.exchange.admission.admit_opening`.
    """
    workspace.require(("hospital", "trustee"), "unmask")
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        state, own = session.state, public_keys(workspace).fingerprint
        planned = planned_round(workspace, _round_of(state, received))
        round_, plan = planned.round, planned.plan
        before = state.answer_of(round_.plan)
        header, seat = admit_request(
            received.envelope, planned.signed, own, before.request if before else None
        )
        received.check_body(header.body)
        asked = SignedRequest(header, received.envelope.digest)
        question = _Question(planned, asked, received.body(), seat)
        if before is None:
            _refuse_what_is_over(state, round_)
            _not_prepared_for_another(question)
            _answer(session, question, passphrase)
        target = (folder or workspace.root) / f"{session.name}-{round_.number:04d}.share"
        deliver(_kept_bytes(state, question), target, force=force)
        survivors = tuple(member.name for member in members_of(plan, header.survivors))
        return Unmasked(
            path=target,
            plan=plan,
            survivors=survivors,
            missing=tuple(m.name for m in plan.roster.members if m.name not in survivors),
            warnings=(
                *_own_update_withheld(round_, own, header.survivors),
                *differs_by_one(_answered_before(state, round_), set(header.survivors)),
            ),
            again=before is not None,
        )


def _round_of(state: State, received: Received) -> Round:
    """The round whose plan the request says it obeys; ``admit_request`` then demands that it does."""
    if received.envelope.kind != "request":
        raise MalformedError(
            f"this is a file of kind {received.envelope.kind}, and a request is answered here",
            reason="unmask.other-kind",
            advice="Take the file that the coordinator sent: round-NUMBER.request",
        )
    claimed = received.envelope.claim(RequestHeader)
    found = [r for r in state.rounds(claimed.study) if r.plan == claimed.plan]
    if not found:
        raise RefusedError(
            "this request is of a plan that was not joined here",
            reason="request.unknown-plan",
            advice="Don't help; ask the coordinator and another hospital which plan this is",
        )
    return found[0]


def _refuse_what_is_over(state: State, round_: Round) -> None:
    if round_ != state.last_round(round_.study):
        raise RefusedError(
            "this round is over here: a later plan of the study is followed already",
            reason="request.round-over",
            advice="Tell the coordinator; answer the request of the newest round only",
        )


def _not_prepared_for_another(question: _Question) -> None:
    """Look for an answer here that the state does not know of.

    A crash right before the state was written leaves one to this request. An answer to another request shows
    that the state is older than its folder: it was restored from a backup, or put back.

    :raises RefusedError: there is one to another request.
    """
    kept = question.kept
    if kept.exists() and read_again(kept).envelope.claim(ShareHeader).request != question.asked.digest:
        raise RefusedError(
            "an answer to another request of this round lies here, and the state does not know of it",
            reason="request.second-of-round",
            advice="If state.db was restored from a backup, don't help: a keyholder answers one request. "
            f"Tell the data officers of the hospitals. (The answer is {kept})",
        )


def _answer(session: Session, question: _Question, passphrase: Passphrase) -> None:
    """Make the answer's bytes, and in one transaction record them and destroy the key that made them."""
    state, planned, plan = session.state, question.planned, question.planned.plan
    dealt = admit_survivors(question.asked.request, question.body, planned.signed)
    identity = unlock(session.workspace, passphrase)
    assert plan.committee is not None  # admit_request found this keyholder's seat in it
    key = open_unsealing_key(state, plan.committee.seats[question.seat - 1].unsealing.key, identity)
    opened = {owner: _opened(question, owner, boxes, key) for owner, boxes in dealt.items()}
    make_private_folder(question.kept.parent)
    with state.transaction():
        following = new_unsealing_key(state, identity, plan.study)
        data = write_share(opened, question.asked, planned.signed, identity, following, stamp())
        write_atomic(question.kept, data, overwrite=True)
        given = GivenAnswer(question.asked.digest, hashlib.sha256(data).hexdigest())
        state.record_answer(planned.round.plan, given, question.asked.request.survivors)
        state.unsealing_keys.burn_plan(planned.round.plan)
        state.change_round(session.role, planned.round, Event.ANSWER)


def _opened(
    question: _Question, owner: Fingerprint, boxes: Dealt, key: SealingKey
) -> dict[SecretName, Opened]:
    """The shares of one hospital's secrets that this keyholder has."""
    try:
        return open_box(boxes, question.planned.signed.dealing(owner), question.seat, key)
    except IdentityError as error:
        member = question.planned.plan.roster.hospital(owner)
        raise IdentityError(
            f"{member.name if member else owner}: {error.what}",
            reason=error.reason,
            advice="Nothing was answered; the round has to be planned anew without that hospital",
        ) from error


def _kept_bytes(state: State, question: _Question) -> bytes:
    """The answer as it was recorded.

    :raises MalformedError: the file here is another one.
    """
    given = state.answer_of(question.planned.round.plan)
    with about(question.kept):
        data = question.kept.read_bytes()
        if given is None or hashlib.sha256(data).hexdigest() != given.share_sha256:
            raise MalformedError(
                "this is not the answer that was given",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup",
            )
    return data


def _own_update_withheld(round_: Round, own: Fingerprint, survivors: Collection[str]) -> tuple[str, ...]:
    """A warning where this hospital exported its update and the request leaves it out."""
    if round_.update_sha256 is None or own in survivors:
        return ()
    return (
        "this hospital has exported its update of this round, and the request leaves it out: ask the "
        "coordinator why before you carry the answer",
    )


def _answered_before(state: State, round_: Round) -> set[Fingerprint]:
    """The survivors of the last request of the study that this keyholder answered before this round."""
    earlier = [r for r in state.rounds(round_.study) if r.number < round_.number]
    return next((known for r in reversed(earlier) if (known := state.survivors_of(r.plan))), set())
