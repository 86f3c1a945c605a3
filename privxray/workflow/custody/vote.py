"""``vote``: a hospital says who is to coordinate its study, the coordinator's key being lost.

It votes for one candidate for each coordinator's place, unless its person says otherwise. A vote holds for
the plan that the hospital follows and the model that it has: with a newer one, the same command votes again.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit_election import admit_candidate, admit_last_day, named_in
from privxray.exchange.intake import take_in
from privxray.formats.container import split
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import party_words, same_words, slip_in
from privxray.keys.succession.candidacy import CandidacyHeader, Candidate, read_candidacy
from privxray.keys.succession.consent import Ballot
from privxray.keys.succession.last_day import Day
from privxray.keys.succession.vote import VoteHeader, write_vote
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.new_coordinator import standing_vote
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp, today
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.state_tables.succession_tables import OwnVote


@dataclass(frozen=True)
class VotePrompts:
    """What a person is asked: the candidate's key words, given its name; the passphrase."""

    words: Callable[[str], str]
    passphrase: Passphrase


@dataclass(frozen=True)
class Voted:
    """A vote that is ready to be carried to the candidate.

    :param name: the candidate's. :param until: the last day on which the vote counts.
    :param already: the same vote was given before.
    """

    path: Path
    study: str
    name: str
    keys: PublicKeys
    until: Day
    already: bool


def vote(
    workspace: Workspace, path: Path, ask: VotePrompts, *, change: bool = False, folder: Path | None = None
) -> Voted:
    """Vote for a candidate whose key words a person has compared.

    :param path: of the candidacy.
    :param change: vote for another candidate than before.
    :param folder: one that is there, for instance a stick; by default the workspace's own.
    :raises RefusedError: the study is not followed here, its plan gives this hospital no vote, the candidate
        can't be its coordinator, the candidacy's last day is past, or another candidate has this hospital's
        vote.
    :raises IdentityError: the words that were typed are others.
    """
    workspace.require("hospital", "vote")
    target = chosen_folder(folder, workspace.root)
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        state = session.state
        candidate = read_candidacy(received.envelope)
        header = candidate.header
        received.check_body(header.body)
        last = _followed(session, candidate)
        admit_last_day(candidate.until, today())
        ballot = _ballot(last, candidate)
        before = state.own_vote(ballot.study, ballot.old)
        another = before is not None and before.keys != header.keys
        if before is not None and another and not change:
            raise RefusedError(
                f"this hospital has voted for {before.name}",
                reason="vote.second",
                advice="Two votes make two coordinators. If the first one must not count any more, tell "
                "everybody by phone, and type the command again with --change",
            )
        expect_not_revoked(state, header.sender)
        standing = None if another else standing_vote(state, last.round, ballot.old)
        already = standing is not None and split(standing.file).claim(VoteHeader).until == ballot.until
        if standing is None or not already:
            if before is None or another:
                _compare(header, ask)
            data = write_vote(unlock(workspace, ask.passphrase), ballot, stamp())
            standing = OwnVote(header.name, header.keys, data)
            with state.transaction():
                state.record_vote(ballot.study, ballot.old, standing)
        left = target / f"{session.name}-{ballot.study}.vote"
        send(state, standing.file, left, renews=True)
        return Voted(left, ballot.study, header.name, header.keys, ballot.until, already)


def _ballot(last: PlannedRound, candidate: Candidate) -> Ballot:
    """What this hospital consents to: over the newest plan, and its model or summary if that has come."""
    round_, keys = last.round, candidate.header.keys
    plan, old = last.signed.digest, last.plan.sender
    return Ballot(round_.study, round_.number, plan, round_.result, old, keys, candidate.until)


def _followed(session: Session, candidate: Candidate) -> PlannedRound:
    """The newest plan of the candidate's study, by which this hospital has a vote.

    :raises RefusedError: there is none, or the candidate can't be its coordinator.
    """
    last = session.state.last_round(candidate.study)
    if last is None:
        raise RefusedError(
            "the study of this candidacy is not followed here",
            reason="candidacy.other-study",
            advice="Ask its maker which study it is for: privxray inspect FILE",
        )
    planned = planned_round(session.workspace, last)
    if public_keys(session.workspace).fingerprint not in named_in(planned.plan).members:
        raise RefusedError(
            "the plan gives this hospital no vote on a new coordinator",
            reason="vote.not-named",
            advice="privxray inspect FILE.plan lists the hospitals that have one",
        )
    admit_candidate(candidate.header.keys, planned.plan)
    return planned


def _compare(candidate: CandidacyHeader, ask: VotePrompts) -> None:
    typed, words = ask.words(candidate.name), party_words(candidate.name, candidate.keys)
    if not same_words(typed, words):
        raise slip_in(typed, words) or IdentityError(
            f"these are not the key words of {candidate.name}",
            reason="vote.wrong-words",
            advice="Compare them again by phone; if they still differ, somebody has exchanged the file",
        )
