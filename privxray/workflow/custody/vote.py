"""``vote``: a hospital says who is to coordinate its study, the coordinator's key being lost.

It votes once for each coordinator's place, unless its person says otherwise.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.admission.admit_succession import admit_candidate, named_in
from privxray.exchange.intake import take_in
from privxray.keys.identity import PublicKeys
from privxray.keys.key_words import party_words, same_words, slip_in
from privxray.keys.succession.candidacy import CandidacyHeader, read_candidacy
from privxray.keys.succession.vote import VoteParts, write_vote
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.deliver import chosen_folder
from privxray.workflow.common.own_keys import public_keys, unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.send import send
from privxray.workflow.common.stamp import stamp
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working
from privxray.workspace.succession_tables import OwnVote


@dataclass(frozen=True)
class VotePrompts:
    """What a person is asked: the candidate's key words, given its name; the passphrase."""

    words: Callable[[str], str]
    passphrase: Passphrase


@dataclass(frozen=True)
class Voted:
    """A vote that is ready to be carried to the candidate.

    :param name: the candidate's. :param already: the same vote was given before.
    """

    path: Path
    study: str
    name: str
    keys: PublicKeys
    already: bool


def vote(
    workspace: Workspace, path: Path, ask: VotePrompts, *, change: bool = False, folder: Path | None = None
) -> Voted:
    """Vote for a candidate whose key words a person has compared.

    :param path: of the candidacy.
    :param change: vote for another candidate than before.
    :param folder: one that is there, for instance a stick; by default the workspace's own.
    :raises RefusedError: the study is not followed here, its plan gives this hospital no vote, the candidate
        can't be its coordinator, or another candidate has this hospital's vote.
    :raises IdentityError: the words that were typed are others.
    """
    workspace.require("hospital", "vote")
    target = chosen_folder(folder, workspace.root)
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        state = session.state
        candidate = read_candidacy(received.envelope)
        received.check_body(candidate.body)
        last = _followed(session, candidate)
        plan = last.plan
        before = state.own_vote(plan.study_name, plan.sender)
        if before is not None and before.keys != candidate.keys and not change:
            raise RefusedError(
                f"this hospital has voted for {before.name}",
                reason="vote.second",
                advice="Two votes make two coordinators. If the first one must not count any more, tell "
                "everybody by phone, and type the command again with --change",
            )
        expect_not_revoked(state, candidate.sender)
        already = before is not None and before.keys == candidate.keys
        if before is None or not already:
            _compare(candidate, ask)
            parts = VoteParts(plan.study_name, plan.round, last.signed.digest, plan.sender, candidate.keys)
            data = write_vote(unlock(workspace, ask.passphrase), parts, stamp())
            before = OwnVote(candidate.name, candidate.keys, data)
            with state.transaction():
                state.record_vote(plan.study_name, plan.sender, before)
        left = target / f"{session.name}-{plan.study_name}.vote"
        send(state, before.file, left, force=change)
        return Voted(left, plan.study_name, candidate.name, candidate.keys, already)


def _followed(session: Session, candidate: CandidacyHeader) -> PlannedRound:
    """The newest plan of the candidate's study, by which this hospital has a vote.

    :raises RefusedError: there is none, or the candidate can't be its coordinator.
    """
    last = session.state.last_round(candidate.study or "")
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
    admit_candidate(candidate.keys, planned.plan)
    return planned


def _compare(candidate: CandidacyHeader, ask: VotePrompts) -> None:
    typed, words = ask.words(candidate.name), party_words(candidate.name, candidate.keys)
    if not same_words(typed, words):
        raise slip_in(typed, words) or IdentityError(
            f"these are not the key words of {candidate.name}",
            reason="vote.wrong-words",
            advice="Compare them again by phone; if they still differ, somebody has exchanged the file",
        )
