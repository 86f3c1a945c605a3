"""``aggregate``: the updates of the round are added up, opened together or not at all.

Files are copied in, verified and matched with the roster before any is decrypted. The sum is then taken in
integers while the bodies stream through, so memory holds two vectors whatever the number of hospitals. In the
mode ``strict`` the masks cancel only if every hospital of the roster is in it; in the mode ``keyholders`` a
first call asks for the masks that are left (:mod:`.request_shares`), and a second one, with the answers,
opens.

Tested in tests/cli/test_study.py, tests/cli/test_keyholders.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from privxray.errors import STATUS_SAYS, CohortError, UsageError, WorkspaceError
from privxray.exchange.masking.fixed_point import dequantise
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.formats.features import REPEATS_WITHOUT
from privxray.keys.identity import Identity
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.coordinator.agreeing.close_agreement import (
    Agreed,
    agreements_awaited,
    close_agreement,
)
from privxray.workflow.coordinator.close_round import (
    Aggregated,
    Summed,
    close_round,
    closed_with_result,
    deliver_again,
)
from privxray.workflow.coordinator.collected_files import GO_ON, Collected, collect, incomplete
from privxray.workflow.coordinator.open_round_sum import open_round, proof_of
from privxray.workflow.coordinator.request_shares import Requested, request
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.transitions import RoundState


def aggregate(
    workspace: Workspace,
    paths: Sequence[Path],
    passphrase: Passphrase,
    *,
    without: Sequence[str] = (),
    force: bool = False,
) -> Aggregated | Requested | Agreed:
    """Add up the updates of the open round and sign the global model, or the request that comes before it.

    Under a plan that agrees on secrets, collect the agreements and sign the plan that comes after them.

    :param paths: updates, share files or agreements; files of closed rounds are passed over.
    :param without: hospitals that are left out: of a request in the mode ``keyholders``, or of the study from
        its agreement on.
    :param force: replace other files that stand where model, plan or request go.
    :raises CohortError: somebody is missing or refused; nothing is changed. Its text names everybody
        concerned and why.
    :raises UsageError: ``without`` in a strict round, or together with share files.
    :raises WorkspaceError: there is no plan yet.
    """
    workspace.require("coordinator", "aggregate")
    with working(workspace) as session, ExitStack() as copies:
        if not session.state.rounds(workspace.config.study):
            raise WorkspaceError(
                "no round is planned yet",
                reason="round.none-planned",
                file=workspace.root,
                advice=STATUS_SAYS,
            )
        if asked := agreements_awaited(session, paths):
            return close_agreement(session, asked, paths, passphrase, without=without, force=force)
        collected = collect(session, paths, copies)
        if _is_over(session, collected):
            return deliver_again(session, tuple(collected.notes), force=force)
        _expect_without_fits(collected, without)
        if collected.plan.committee is not None and not collected.shares:
            return request(session, collected, passphrase, without=without, force=force)
        _expect_complete(session, collected)
        identity = unlock(workspace, passphrase)
        summed = _summed(session, collected, identity)
        return close_round(session, collected, identity, summed, force=force)


def _is_over(session: Session, collected: Collected) -> bool:
    """Whether the files are those of a round that is closed, so that its model is only delivered again.

    :raises CohortError: no round is open, and a file is refused.
    """
    state, plan = collected.planned.round.state, collected.plan
    if not state.awaits_files:
        if wrong := collected.blocking(complete=False):
            raise CohortError(
                f"no round is open, and a file is refused: {'; '.join(wrong)}",
                reason="cohort.no-round-open",
                file=session.workspace.updates,
                advice=f"Take it away. {STATUS_SAYS}",
            )
        return True
    nothing_new = not (collected.updates or collected.blocking(complete=False))
    some_result = bool(closed_with_result(session)) and not plan.place.is_first
    return state is RoundState.OPEN and some_result and nothing_new


def _expect_without_fits(collected: Collected, without: Sequence[str]) -> None:
    if without and (collected.plan.committee is None or collected.shares):
        raise UsageError(
            "--without has no place here: it goes with the updates of a round that has keyholders",
            reason="without.no-place",
            advice="A strict round needs every hospital: leave the option out, repeat the round without a "
            f"hospital that signs a waiver (privxray waive), or plan it anew with fresh cards. {STATUS_SAYS}",
        )


def _expect_complete(session: Session, collected: Collected) -> None:
    """:raises CohortError: not everything that opens the sum is here."""
    cohort, committee = collected.cohort, collected.plan.committee
    missing = []
    if committee is None:
        missing = [member.name for member in cohort.missing]
    elif cohort.answers_lacking:
        answered = {one.header.sender for one in cohort.answers.values()}
        silent = [
            collected.plan.roster.known_party(seat.keyholder).name
            for seat in committee.seats
            if seat.keyholder not in answered
        ]
        missing = [f"{cohort.answers_lacking} more of the share files of {', '.join(silent)}"]
    wrong = collected.blocking(complete=not missing)
    if missing or wrong:
        raise incomplete(session, collected.plan, missing, wrong, _how_to_go_on(collected.plan))


def _how_to_go_on(plan: PlanHeader) -> str:
    """What to do about a round that lacks something."""
    if REPEATS_WITHOUT not in plan.features:
        return GO_ON
    if plan.committee is None:
        return (
            f"{GO_ON}. If a hospital can't deliver, the round can be repeated without it, once it has signed "
            "a waiver (privxray waive): privxray plan --repeat updates/*.enc waivers/*.waiver"
        )
    return (
        f"{GO_ON}. If too few keyholders can answer, repeat the round with fresh cards of those that have "
        "not: privxray plan --repeat shares/*.share cards/*.card"
    )


def _summed(session: Session, collected: Collected, identity: Identity) -> Summed:
    """The tensors of the model or summary. Sum and starting model are out of memory when it returns."""
    from privxray.learning import methods

    plan = collected.plan
    start = collected.planned.start() if plan.its_task == "train" else {}
    opened = open_round(session, collected, identity)
    sums = dequantise(opened.numbers, plan.manifest, plan.modulus_bits)
    if plan.its_task in COUNTED:
        return Summed(dict(sums), proof_of(collected, opened, identity))
    count = len(collected.updates)
    tensors = methods.combine(plan.method, sums, count, plan.constants, plan.classes, start)
    return Summed(tensors, proof_of(collected, opened, identity))
