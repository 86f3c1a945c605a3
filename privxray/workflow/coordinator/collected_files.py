"""What a coordinator was handed for its round: copied in, verified, and told apart.

Tested in tests/cli/test_keyholders.py and tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from privxray.errors import CohortError, MalformedError, PrivxrayError, StrangeFileError, about
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.intake import Received, hold, read_again
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.request import SignedRequest
from privxray.formats.header import Fingerprint
from privxray.naming.public_names import lone_name
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.study_cost import cost_so_far
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.session import Session
from privxray.workspace.transitions import RoundState

GO_ON = "Wait for what is missing, ask for what is refused again, leave out what does not belong"


@dataclass
class Collected:
    """The newest round, and the files that it took in.

    :param cohort: the round's rules, and what they have taken in so far.
    :param updates: the files of updates, by sender.
    :param shares: the share files, by seat.
    :param notes: which files were passed over and why.
    :param refused: which files of the study's parties are not what they should be, and why.
    :param strays: which files can't be read, or are signed by nobody of the study, and why.
    """

    planned: PlannedRound
    cohort: Cohort
    updates: dict[Fingerprint, Received] = field(default_factory=dict)
    shares: dict[int, Received] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def blocking(self, *, complete: bool) -> list[str]:
        """The files that keep the round from going on.

        A stray proves nothing about anybody. Where nothing is missing it is only noted; otherwise it may be
        what is missing.

        :param complete: whether nothing is missing.
        """
        if complete and not self.refused:
            self.notes += [f"{stray}; passed over" for stray in self.strays]
            return []
        return [*self.refused, *self.strays]

    @property
    def plan(self) -> PlanHeader:
        """What the round does."""
        return self.planned.plan


def collect(session: Session, paths: Sequence[Path], copies: ExitStack) -> Collected:
    """Offer files to the newest round of the coordinator's study.

    After its request the survivors' updates come from the workspace, where the request left them.

    :param copies: holds the private copies of the files while they are needed.
    """
    collected = newest_collected(session)
    if collected.planned.round.state is RoundState.REQUESTED:
        _recall(collected, session.state.request_of(collected.planned.round.plan))
    names = {fingerprint: party.name for fingerprint, party in collected.cohort.parties.items()}
    for path in paths:
        _collect_one(session, collected, path, names, copies)
    return collected


def _collect_one(
    session: Session,
    collected: Collected,
    path: Path,
    names: Mapping[Fingerprint, str],
    copies: ExitStack,
) -> None:
    """Offer one file. Its copy is kept only if it is taken; a stranger's is never made."""
    who, told = path.name, collected.strays
    with ExitStack() as attempt:
        try:
            received = attempt.enter_context(hold(path, session.workspace.inbox))
            sender = received.envelope.key_id
            who = f"{names[sender]} ({path.name})" if sender in names else path.name
            collected.cohort.expect_signed(received.envelope)
            expect_not_revoked(session.state, sender)
            told = collected.refused
            if _offer(collected, received, who):
                copies.push(attempt.pop_all())
        except StrangeFileError as error:
            told.append(f"{lone_name(path)}: {error.what}")
        except PrivxrayError as error:
            told.append(f"{who}: {error.what}")
        except PermissionError as error:
            if told is collected.refused:  # of the copy, not of the file
                raise
            told.append(f"{lone_name(path)}: it can't be read ({error.strerror})")


def newest_collected(session: Session) -> Collected:
    """The newest round of the coordinator's study before any file was offered to it."""
    workspace, state = session.workspace, session.state
    rounds = [planned_round(workspace, round_) for round_ in state.rounds(workspace.config.study)]
    newest = rounds[-1]
    cohort = Cohort(
        newest.signed,
        parties={p.keys.fingerprint: p for one in rounds for p in one.plan.roster.parties},
        earlier={one.signed.digest for one in rounds[:-1]},
        used=state.used_round_keys().keys(),
        is_open=newest.round.state.awaits_files,
    )
    return Collected(newest, cohort)


def request_copy(folder: Path) -> Path:
    """Where the exact bytes of a round's request are kept, in the round's folder."""
    return folder / "round.request"


def update_copy(folder: Path, sender: Fingerprint) -> Path:
    """Where the update of a survivor is kept from the request on, in the round's folder."""
    return folder / "survivors" / f"{sender}.enc"


def incomplete(
    session: Session,
    plan: PlanHeader,
    missing: Sequence[str],
    refused: Sequence[str],
    advice: str = GO_ON,
) -> CohortError:
    """The error that says what a round lacks.

    :param missing: who or what has yet to come.
    :param refused: the files that were refused, and why.
    """
    parts = []
    if missing:
        parts.append(f"missing: {', '.join(missing)}")
    if refused:
        parts.append(f"refused: {'; '.join(refused)}")
    what = "can't go on" if plan.its_task == "agree" else "can't be summed"
    return CohortError(
        f"round {plan.round} {what}, nothing was changed ({'; '.join(parts)})",
        reason="cohort.refused" if refused else "cohort.missing",
        file=session.workspace.updates,
        advice=advice,
    )


def _recall(collected: Collected, digest: str | None) -> None:
    """Load the signed request and the updates that it is about; they were verified when they came.

    :param digest: of the request, as the state remembers it.
    :raises MalformedError: a file is not the one that was kept.
    """
    cohort, folder = collected.cohort, collected.planned.folder
    path = request_copy(folder)
    with about(path):
        received = read_again(path)
        asked = SignedRequest.claimed(received.envelope)
        if asked.digest != digest:
            raise MalformedError(
                "this is not the request that was signed",
                reason="workspace.kept-file-altered",
                advice="Restore it from a backup (privxray help backup)",
            )
        received.check_body(asked.request.body)
    cohort.set_request(asked)
    for survivor in asked.request.survivors:
        kept = update_copy(folder, survivor)
        with about(kept):
            update = read_again(kept)
            cohort.take_update(update.envelope, update.check_body)
            collected.updates[survivor] = update


def _offer(collected: Collected, received: Received, who: str) -> bool:
    """Offer a file whose signature is good; whether its copy is needed."""
    cohort, sender = collected.cohort, received.envelope.key_id
    is_share = received.envelope.kind == "share"
    take = cohort.take_share if is_share else cohort.take_update
    verdict = take(received.envelope, received.check_body)
    if verdict is not Verdict.TAKEN:
        collected.notes.append(f"{who} is {verdict}; passed over")
        return False
    if is_share:
        seat = cohort.plan.committee.seat(sender) if cohort.plan.committee else None
        assert seat is not None  # take_share demands it
        collected.shares[seat] = received
        return True
    collected.updates.setdefault(sender, received)
    if _has_spent_more(cohort.updates[sender].header.epsilon, cohort.plan):
        collected.notes.append(f"{who} has spent more than the plan's epsilon in this study: it trained anew")
    return True


_ROUNDING = 1.001


def _has_spent_more(stated: float, plan: PlanHeader) -> bool:
    """Whether an update states clearly more than its study's tasks so far come to.

    A hospital composes the same events in another order, so the last digits may differ.
    """
    if stated <= plan.epsilon:
        return False
    return stated > cost_so_far(plan).epsilon * _ROUNDING
