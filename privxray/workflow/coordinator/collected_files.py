"""What a coordinator was handed for its round: copied in, verified, and told apart."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from privxray.errors import CohortError, MalformedError, PrivxrayError, StrangeFileError, about
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.intake import Received, read_again, take_in
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.request import RequestHeader, SignedRequest
from privxray.formats.header import Fingerprint
from privxray.naming.public_names import lone_name
from privxray.workflow.common.session import load_plan
from privxray.workspace.folder import Workspace
from privxray.workspace.state import Round, State
from privxray.workspace.transitions import RoundState


@dataclass
class Collected:
    """The cohort of the newest round, and the files that it took in: updates by sender, share files by seat.

    ``notes`` say which files were passed over and why, ``refused`` which are not what they should be.
    """

    cohort: Cohort
    updates: dict[Fingerprint, Received] = field(default_factory=dict)
    shares: dict[int, Received] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def collect(workspace: Workspace, state: State, paths: Sequence[Path], copies: ExitStack) -> Collected:
    """Offer files to the newest round of the coordinator's study.

    After its request the survivors' updates come from the workspace, where the request left them.

    :param copies: holds the private copies of the files while they are needed.
    """
    cohort, newest = newest_cohort(workspace, state)
    collected = Collected(cohort)
    folder = workspace.round_folder(newest.study, newest.number)
    if newest.state is RoundState.REQUESTED:
        _recall(collected, folder, state.request_of(newest.plan))
    names = {fingerprint: party.name for fingerprint, party in cohort.parties.items()}
    for path in paths:
        who = path.name
        try:
            received = copies.enter_context(take_in(path, workspace.inbox))
            sender = received.envelope.key_id
            who = f"{names[sender]} ({path.name})" if sender in names else path.name
            _offer(collected, received, who)
        except StrangeFileError as error:
            collected.refused.append(f"{lone_name(path)}: {error.what}")
        except PrivxrayError as error:
            collected.refused.append(f"{who}: {error.what}")
    return collected


def newest_cohort(workspace: Workspace, state: State) -> tuple[Cohort, Round]:
    """The newest round of the coordinator's study, and its cohort before any file was offered to it."""
    rounds = state.rounds(workspace.config.study)
    plans = {round_.plan: load_plan(workspace, round_) for round_ in rounds}
    newest = rounds[-1]
    cohort = Cohort(
        SignedPlan(plans[newest.plan], newest.plan),
        parties={p.keys.fingerprint: p for plan in plans.values() for p in plan.roster.parties},
        earlier=plans.keys() - {newest.plan},
        used=state.used_round_keys().keys(),
        is_open=newest.state.awaits_files,
    )
    return cohort, newest


def request_copy(folder: Path) -> Path:
    """Where the exact bytes of a round's request are kept."""
    return folder / "round.request"


def update_copy(folder: Path, sender: str) -> Path:
    """Where the update of a survivor is kept from the request on."""
    return folder / "survivors" / f"{sender}.enc"


def _recall(collected: Collected, folder: Path, digest: str | None) -> None:
    """Load the signed request and the updates that it is about; they were verified when they came.

    :param digest: of the request as the state remembers it.
    :raises MalformedError: a file is not the one that was kept.
    """
    path = request_copy(folder)
    with about(path):
        received = read_again(path)
        header = received.envelope.claim(RequestHeader)
        if received.envelope.digest != digest:
            raise MalformedError("this is not the request that was signed", advice="Restore a backup")
        received.check_body(header.body)
    collected.cohort.set_request(SignedRequest(header, received.envelope.digest))
    for survivor in header.survivors:
        kept = update_copy(folder, survivor)
        with about(kept):
            update = read_again(kept)
            collected.cohort.take_update(update.envelope, update.sha256, update.check_body)
            collected.updates[survivor] = update


def _offer(collected: Collected, received: Received, who: str) -> None:
    cohort, sender = collected.cohort, received.envelope.key_id
    is_share = received.envelope.kind == "share"
    take = cohort.take_share if is_share else cohort.take_update
    verdict = take(received.envelope, received.sha256, received.check_body)
    if verdict is Verdict.TAKEN and is_share:
        seat = cohort.plan.committee.seat(sender) if cohort.plan.committee else None
        assert seat is not None  # take_share demands it
        collected.shares[seat] = received
        return
    if verdict is not Verdict.TAKEN:
        collected.notes.append(f"{who} is {verdict}; passed over")
        return
    collected.updates.setdefault(sender, received)
    header = cohort.updates[sender].header
    if header.epsilon > cohort.plan.epsilon:
        collected.notes.append(f"{who} has spent more than the plan's epsilon in this study: it trained anew")


def incomplete(
    workspace: Workspace,
    plan: PlanHeader,
    missing: Sequence[str],
    refused: Sequence[str],
    advice: str = "Wait for what is missing, ask for what is refused again, leave out what does not belong",
) -> CohortError:
    """The error that says what a round lacks."""
    parts = []
    if missing:
        parts.append(f"missing: {', '.join(missing)}")
    if refused:
        parts.append(f"refused: {'; '.join(refused)}")
    return CohortError(
        f"round {plan.round} can't be summed, nothing was changed ({'; '.join(parts)})",
        file=workspace.updates,
        advice=advice,
    )
