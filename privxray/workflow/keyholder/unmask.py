"""``unmask``: a keyholder's answer, once a round, fixed before it leaves, never to two different requests.

Tested in tests/cli/test_keyholders.py and tests/attacks/test_keyholders_played_off.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import MalformedError, RefusedError
from privxray.exchange.admission.admit_opening import admit_request
from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.intake import Received, take_in
from privxray.exchange.messages.plan import PlanHeader, members_of
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.formats.header import Fingerprint
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import planned_round
from privxray.workflow.common.repeated_plans import chain_of
from privxray.workflow.common.send import send
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workflow.keyholder.answer_request import Question, answer, kept_bytes, not_prepared_for_another
from privxray.workflow.keyholder.refuse import expect_not_sworn_off
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round


@dataclass(frozen=True)
class Unmasked:
    """A share file that is ready to be carried.

    :param survivors: the hospitals whose sum it helps to open, by name.
    :param missing: the plan's other hospitals.
    :param again: it was made before, and holds the same bytes.
    :param written: the file was written now; otherwise it lay there already.
    """

    path: Path
    plan: PlanHeader
    survivors: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    again: bool
    written: bool


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
    folder = chosen_folder(folder, workspace.root)
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        state, own = session.state, public_keys(workspace).fingerprint
        planned = planned_round(workspace, _round_of(state, received))
        round_, plan = planned.round, planned.plan
        before = state.answer_of(round_.plan)
        header, seat = admit_request(
            received.envelope, planned.signed, own, before.request if before else None
        )
        expect_not_revoked(state, header.sender)
        received.check_body(header.body)
        asked = SignedRequest(header, received.envelope.digest)
        question = Question(planned, asked, received.body(), seat)
        if before is None:
            _refuse_what_is_over(state, round_)
            expect_not_sworn_off(session, planned)
            not_prepared_for_another(question)
            _expect_the_same_hospitals(session, plan, header.survivors)
            answer(session, question, passphrase)
        target = folder / workspace.own_file(round_.study, round_.number, "share")
        written = send(state, kept_bytes(state, question), target, force=force)
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
            written=written,
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


def _expect_the_same_hospitals(
    session: Session, plan: PlanHeader, survivors: Collection[Fingerprint]
) -> None:
    """Hold a request against what was answered in the rounds that its plan repeats (docs/adr/0145).

    :raises RefusedError: it asks for the sum of other hospitals.
    """
    chain = chain_of(session, plan)
    answered = {one.digest: session.state.survivors_of(one.digest) for one in chain.earlier}
    chain.expect_bound(answered, set(survivors))


def _own_update_withheld(round_: Round, own: Fingerprint, survivors: Collection[str]) -> tuple[str, ...]:
    """A warning where this hospital exported its update and the request leaves it out."""
    if round_.update_sha256 is None or own in survivors:
        return ()
    return (
        "this hospital has exported its update of this round, and the request leaves it out: ask the "
        "coordinator why before you carry the answer",
    )


def _answered_before(state: State, round_: Round) -> set[Fingerprint]:
    """The survivors of the last request for a sum of this task that this keyholder answered before."""
    earlier = [r for r in state.rounds(round_.study) if r.number < round_.number and r.task == round_.task]
    return next((known for r in reversed(earlier) if (known := state.survivors_of(r.plan))), set())
