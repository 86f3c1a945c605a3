"""Counting the votes for a new coordinator that lie in a folder.

Tested in tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import AbsentFileError, CohortError, PrivxrayError, about
from privxray.exchange.admission.admit_election import (
    StudyNow,
    admit_candidate,
    admit_vote,
    named_in,
    voters,
)
from privxray.exchange.intake import take_in
from privxray.exchange.messages.plan import SignedPlan
from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.keys.succession.succession_file import CountedVote
from privxray.keys.succession.vote import read_vote
from privxray.workspace.session import Session


@dataclass(frozen=True)
class Counted:
    """The votes that count, each with its hospital's name, and why others don't, by file."""

    votes: list[tuple[str, CountedVote]]
    passed_over: tuple[str, ...]


_ELSEWHERE = ("vote.newer-plan", "vote.other-plan", "vote.newer-result", "vote.other-result")
"""Why a vote stops the counting: its hospital has what the candidate lacks, or was shown another thing."""


def counted_votes(session: Session, folder: Path, now: StudyNow, own: PublicKeys) -> Counted:
    """The votes in a folder, one a hospital, each with its hospital's name.

    :param now: the study as this candidate knows it. :param own: the candidate's keys.
    :raises CohortError: too few.
    :raises RefusedError: a hospital follows a newer plan, has a result that was not named, or was shown
        another plan or result.
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
            if vote.party not in found or (found[vote.party][1].until or "") < (vote.until or ""):
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
    return Counted(sorted(found.values(), key=lambda one: one[0]), tuple(passed_over))


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
