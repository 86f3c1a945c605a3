"""``succeed --votes``: a new coordinator takes over a study whose coordinator's key is lost.

What it needs of the study are the last plan and, where that round was closed, its model. Both are signed by
the coordinator before and secret to nobody, so any member can hand them over. An open round is void: its
updates are sealed to the lost key.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError
from privxray.exchange.admission.admit import admit_model, admit_plan
from privxray.exchange.admission.admit_election import StudyNow
from privxray.exchange.admission.admit_summary import admit_summary
from privxray.exchange.intake import envelope_of, take_in
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.formats.header import Digest
from privxray.keys.identity import Identity
from privxray.keys.succession.last_day import Day, is_past
from privxray.keys.succession.succession_file import Elected, last_day, read_succession, write_election
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.new_coordinator import INHERITED, is_inherited
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp, today
from privxray.workflow.coordinator.count_votes import Counted, counted_votes
from privxray.workspace.atomic import make_private_folder, write_atomic
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
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


@dataclass(frozen=True)
class _Handed:
    """The last plan of the coordinator before, its bytes, and the result of its round if that was closed."""

    last: SignedPlan
    data: bytes
    result: _Result | None

    @property
    def digest(self) -> Digest | None:
        """Of the result."""
        return None if self.result is None else self.result.digest


def take_over(
    workspace: Workspace, lineage: Lineage, votes: Path, path: Path, passphrase: Passphrase
) -> TakenOver:
    """Count votes, write the succession, and go on with the study from its last plan.

    Typed again, it delivers the same succession. Where that one's votes are over, or a newer plan is named,
    it counts votes anew, as long as this coordinator has planned nothing.

    :param votes: the folder in which the files of votes lie.
    :param path: of the succession that is carried to everybody.
    :raises CohortError: there are too few votes.
    :raises RefusedError: this workspace has a study under way, the plan names nobody who may vote, or a
        hospital follows a newer plan, or has a model that was not named.
    """
    workspace.require("coordinator", "succeed --votes")
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        before = session.state.last_round(workspace.own_study)
        if before is not None:
            _expect_inherited(session, before)
        handed = _handed(session, lineage)
        if before is not None and before.plan == handed.last.digest:
            taken = _again(session, identity, handed, votes, before)
        else:
            taken = _take(session, identity, handed, votes, before)
        kept = _succession(session, taken.round)
        send(session.state, kept.read_bytes(), path, renews=True)
        return taken


def _succession(session: Session, number: int) -> Path:
    """Where the succession lies by which a round was taken over."""
    return session.workspace.round_folder(session.workspace.own_study, number) / INHERITED


def _expect_inherited(session: Session, before: Round) -> None:
    """:raises RefusedError: this coordinator has planned already."""
    if not is_inherited(session.workspace, before):
        raise RefusedError(
            f"this workspace has planned round {before.number} of the study already",
            reason="succession.study-under-way",
            advice="A study is taken over in a new workspace: privxray init --role coordinator --study NAME",
        )


def _handed(session: Session, lineage: Lineage) -> _Handed:
    """What a member handed over, verified.

    :raises RefusedError: the plan is of another study.
    """
    workspace, study = session.workspace, session.workspace.own_study
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
    return _Handed(last, data, None if lineage.model is None else _result(session, lineage.model, last))


def _again(session: Session, identity: Identity, handed: _Handed, votes: Path, before: Round) -> TakenOver:
    """Deliver what a first call has done, or count anew the votes over the same plan and result.

    :raises RefusedError: votes have to be counted anew, and a result is named that was not there before.
    """
    kept, has_model = _succession(session, before.number), before.state is RoundState.CLOSED
    until = last_day(read_succession(envelope_of(kept)).votes or ())
    if until is None or not is_past(until, today()):
        return TakenOver(before.study, before.number, (), has_model)
    if handed.digest not in (None, before.result):
        raise _other_beginning(before)
    counted = counted_votes(session, votes, StudyNow(handed.last, before.result, today()), identity.public())
    write_atomic(kept, _elected(session, identity, handed.last, before.result, counted), overwrite=True)
    return _told(handed.last.plan, counted, has_model=has_model)


def _take(
    session: Session, identity: Identity, handed: _Handed, votes: Path, before: Round | None
) -> TakenOver:
    """Take the study over from a plan that this workspace has not gone on from.

    :param before: the plan that it had gone on from, if a hospital has brought a newer one since.
    :raises RefusedError: that one was newer.
    """
    workspace, state, study = session.workspace, session.state, session.workspace.own_study
    last, result, plan = handed.last, handed.result, handed.last.plan
    if before is not None and plan.round <= before.number:
        raise _other_beginning(before)
    counted = counted_votes(session, votes, StudyNow(last, handed.digest, today()), identity.public())
    make_private_folder(workspace.plan_copy(study, plan.round).parent)
    make_private_folder(workspace.round_folder(study, plan.round))
    write_atomic(workspace.plan_copy(study, plan.round), handed.data, overwrite=True)
    if result is not None:
        write_atomic(result.copy, result.data, overwrite=True)
    succession = _elected(session, identity, last, handed.digest, counted)
    write_atomic(_succession(session, plan.round), succession, overwrite=True)
    event = Event.INHERIT if result is None else Event.INHERIT_RESULT
    with state.transaction():
        keys = {member.mask.key for member in plan.roster.members}
        keys |= {seat.unsealing.key for seat in (plan.committee.seats if plan.committee else ())}
        state.use_round_keys(sorted(keys - state.used_round_keys().keys()), plan.round)
        state.begin_round(
            "coordinator", event, study=study, number=plan.round, plan=last.digest, stage=plan.stage
        )
        if plan.task is not None:
            state.note_task(study, plan.round, plan.task, plan.place.entry)
        if result is not None:
            result.note(state, study, plan.round)
    return _told(plan, counted, has_model=result is not None)


def _other_beginning(before: Round) -> RefusedError:
    with_model = "with" if before.state is RoundState.CLOSED else "without"
    return RefusedError(
        f"this workspace took the study over from the plan of round {before.number}, {with_model} a model, "
        "so it can't begin from an older plan now, nor from that plan with another result",
        reason="succession.other-beginning",
        advice="Make a new workspace (privxray init --role coordinator --study NAME) and a candidacy in it; "
        "the hospitals vote for it with privxray vote FILE --change",
    )


def _elected(
    session: Session, identity: Identity, last: SignedPlan, result: Digest | None, counted: Counted
) -> bytes:
    """The succession by these votes."""
    votes = tuple(vote for _, vote in counted.votes)
    elected = Elected(session.workspace.own_study, last.plan.round, last.digest, result, votes)
    return write_election(identity, session.name, last.plan.sender, elected, stamp())


def _told(plan: PlanHeader, counted: Counted, *, has_model: bool) -> TakenOver:
    names = tuple(name for name, _ in counted.votes)
    until = last_day(vote for _, vote in counted.votes)
    return TakenOver(plan.study_name, plan.round, names, has_model, until, counted.passed_over)


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
