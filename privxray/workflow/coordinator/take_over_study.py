"""``succeed --votes``: a new coordinator takes over a study whose coordinator's key is lost.

What it needs of the study are the last plan and, where that round was closed, its model. Both are signed by
the coordinator before and secret to nobody, so any member can hand them over. An open round is void: its
updates are sealed to the lost key.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import AbsentFileError, CohortError, PrivxrayError, RefusedError, about
from privxray.exchange.admission.admit import admit_model, admit_plan
from privxray.exchange.admission.admit_election import (
    StudyNow,
    admit_candidate,
    admit_vote,
    named_in,
    voters,
)
from privxray.exchange.admission.admit_summary import admit_summary
from privxray.exchange.intake import take_in
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.header import Digest, Fingerprint
from privxray.keys.identity import Identity, PublicKeys
from privxray.keys.succession.last_day import Day
from privxray.keys.succession.succession_file import CountedVote, Elected, write_election
from privxray.keys.succession.vote import read_vote
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.new_coordinator import INHERITED, is_inherited
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp, today
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state import State
from privxray.workspace.transitions import Event, RoundState


@dataclass(frozen=True)
class Lineage:
    """What a member hands over of the study.

    :param plan: the last plan. :param model: the model or summary of its round, where that was closed.
    """

    plan: Path
    model: Path | None = None


@dataclass(frozen=True)
class TakenOver:
    """A study that this workspace coordinates from now on.

    :param voters: the hospitals that voted, by name; empty if this was done before.
    :param has_model: the last round is closed.
    :param until: the last day on which everybody takes the succession in; None if this was done before.
    :param passed_over: by file, why a vote does not count.
    """

    study: str
    round: int
    voters: tuple[str, ...]
    has_model: bool
    until: Day | None = None
    passed_over: tuple[str, ...] = ()


def take_over(
    workspace: Workspace, lineage: Lineage, votes: Path, path: Path, passphrase: Passphrase
) -> TakenOver:
    """Count votes, write the succession, and go on with the study from its last plan.

    :param votes: the folder in which the files of votes lie.
    :param path: of the succession that is carried to everybody.
    :raises CohortError: there are too few votes.
    :raises RefusedError: this workspace has a study under way, the plan names nobody who may vote, or a
        hospital follows a newer plan, or has a model that was not named.
    """
    workspace.require("coordinator", "succeed --votes")
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        inherited = _inherited(session)
        if inherited is None:
            inherited = _take(session, identity, lineage, votes)
        kept = workspace.round_folder(workspace.own_study, inherited.round) / INHERITED
        send(session.state, kept.read_bytes(), path)
        return inherited


def _inherited(session: Session) -> TakenOver | None:
    """What a first call has done: it is only delivered again; None where nothing was.

    :raises RefusedError: this coordinator has planned already.
    """
    last = session.state.last_round(session.workspace.own_study)
    if last is None:
        return None
    if not is_inherited(session.workspace, last):
        raise RefusedError(
            f"this workspace has planned round {last.number} of the study already",
            reason="succession.study-under-way",
            advice="A study is taken over in a new workspace: privxray init --role coordinator --study NAME",
        )
    return TakenOver(last.study, last.number, (), last.state is RoundState.CLOSED)


def _take(session: Session, identity: Identity, lineage: Lineage, votes: Path) -> TakenOver:
    workspace, state, study = session.workspace, session.state, session.workspace.own_study
    with take_in(lineage.plan, workspace.inbox) as received:
        last = admit_plan(received.envelope, None)
        received.check_body(last.plan.body)
        if last.plan.study != study:
            raise RefusedError(
                f"this plan is of the study {last.plan.study}, and this workspace serves {study}",
                reason="succession.plan-of-other-study",
                advice="Ask a hospital of the study for its newest plan",
            )
        data = received.path.read_bytes()
    result = None if lineage.model is None else _result(session, lineage.model, last)
    now = StudyNow(last, result.digest if result else None, today())
    counted = _counted(session, votes, now, identity.public())
    plan, folder = last.plan, workspace.round_folder(study, last.plan.round)
    elected = Elected(study, plan.round, last.digest, now.result, tuple(vote for _, vote in counted.votes))
    make_private_folder(workspace.plan_copy(study, plan.round).parent)
    make_private_folder(folder)
    write_atomic(workspace.plan_copy(study, plan.round), data, overwrite=True)
    if result is not None:
        write_atomic(result.copy, result.data, overwrite=True)
    succession = write_election(identity, session.name, plan.sender, elected, stamp())
    write_atomic(folder / INHERITED, succession, overwrite=True)
    event = Event.INHERIT if result is None else Event.INHERIT_RESULT
    with state.transaction():
        keys = [member.mask.key for member in plan.roster.members]
        keys += [seat.unsealing.key for seat in (plan.committee.seats if plan.committee else ())]
        state.use_round_keys(keys, plan.round)
        state.begin_round(
            "coordinator", event, study=study, number=plan.round, plan=last.digest, stage=plan.stage
        )
        if plan.task is not None:
            state.note_task(study, plan.round, plan.task, plan.place.entry)
        if result is not None:
            result.note(state, study, plan.round)
    names = tuple(name for name, _ in counted.votes)
    until = min(vote.until for _, vote in counted.votes if vote.until)
    return TakenOver(study, plan.round, names, result is not None, until, counted.passed_over)


@dataclass(frozen=True)
class _Result:
    """What the last round gave: where its copy goes, its bytes, and the digest of its header."""

    copy: Path
    data: bytes
    digest: Digest
    is_model: bool

    def note(self, state: State, study: str, number: int) -> None:
        """Note it with its round; in the transaction that begins it."""
        set_result = state.set_model if self.is_model else state.set_summary
        set_result(study, number, self.digest)


def _result(session: Session, path: Path, last: SignedPlan) -> _Result:
    """The model or summary of the last plan, as a member hands it over.

    :raises IdentityError: the coordinator before has not signed it.
    :raises RefusedError: it is of another round.
    """
    workspace, study, number = session.workspace, session.workspace.own_study, last.plan.round
    with take_in(path, workspace.inbox) as received:
        is_model = received.envelope.kind != "summary"
        admit = admit_model if is_model else admit_summary
        received.check_body(admit(received.envelope, last).body)
        copy = workspace.model_copy if is_model else workspace.summary_copy
        return _Result(copy(study, number), received.path.read_bytes(), received.envelope.digest, is_model)


@dataclass(frozen=True)
class _Counted:
    votes: list[tuple[str, CountedVote]]
    passed_over: tuple[str, ...]


_ELSEWHERE = ("vote.newer-plan", "vote.other-plan", "vote.newer-result", "vote.other-result")
"""Why a vote stops the counting: its hospital has what the candidate lacks, or was shown another thing."""


def _counted(session: Session, folder: Path, now: StudyNow, own: PublicKeys) -> _Counted:
    """The votes in a folder, one a hospital, each with its hospital's name.

    :raises CohortError: too few. :raises RefusedError: see :func:`take_over`.
    """
    last = now.last
    admit_candidate(own, last.plan)
    if not folder.is_dir():
        raise AbsentFileError(
            "there is no such folder of votes",
            reason="succession.no-folder",
            file=folder,
            advice="Collect the files of votes in one folder, and name it",
        )
    found: dict[Fingerprint, tuple[str, CountedVote]] = {}
    passed_over = []
    for path in sorted(folder.glob("*.vote")):
        try:
            sender, vote = _vote(session, path, now, own)
        except PrivxrayError as error:
            if error.reason in _ELSEWHERE:
                raise
            passed_over.append(str(error))
        else:
            found[vote.party] = (sender, vote)
    needed = named_in(last.plan).threshold
    if len(found) < needed:
        come = f" ({', '.join(sorted(name for name, _ in found.values()))})" if found else ""
        unfit = f"; not counted: {'; '.join(passed_over)}" if passed_over else ""
        raise CohortError(
            f"{len(found)} of {needed} votes are here{come}{unfit}",
            reason="succession.votes-missing",
            file=folder,
            advice="Collect the others there; the plan gives one to "
            f"{', '.join(_names(last))} (privxray vote FILE)",
        )
    return _Counted(sorted(found.values(), key=lambda one: one[0]), tuple(passed_over))


def _vote(session: Session, path: Path, now: StudyNow, own: PublicKeys) -> tuple[str, CountedVote]:
    plan = now.last.plan
    with about(path), take_in(path, session.workspace.inbox) as received:
        vote = read_vote(received.envelope, voters(plan))
        received.check_body(vote.header.body)
        admit_vote(vote, now, own)
        sender, consent = vote.header.sender, vote.header.consent
        counted = CountedVote(party=sender, until=vote.ballot.until, consent=consent)
        return plan.roster.known_hospital(sender).name, counted


def _names(last: SignedPlan) -> list[str]:
    """The hospitals that the plan gives a vote, by name."""
    return sorted(last.plan.roster.known_hospital(member).name for member in named_in(last.plan).members)
