"""The rules by which hospitals vote another coordinator into the place of one whose key is lost.

A vote holds as long as the coordinator before has signed nothing since, and until its last day; so votes of
an emergency that has passed are of no use later. docs/SPEC-2.md, section 10, and docs/adr/0154.

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.successors import Successors
from privxray.formats.header import Digest, Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.keys.succession.consent import Ballot, is_consent
from privxray.keys.succession.last_day import MOST_DAYS, Day, is_past, is_too_far
from privxray.keys.succession.succession_file import SuccessionHeader, ballots
from privxray.keys.succession.vote import Vote

_CALL = "Call the hospitals of the study before you follow anybody"


@dataclass(frozen=True)
class StudyNow:
    """What somebody knows of a study whose coordinator is to be replaced.

    :param last: the newest plan of the coordinator before. :param result: the digest of that plan's model or
        summary, where it has come.
    :param today: by the own clock, in UTC.
    """

    last: SignedPlan
    result: Digest | None
    today: date


def named_in(plan: PlanHeader) -> Successors:
    """The hospitals that may name a new coordinator.

    :raises RefusedError: the plan names none.
    """
    if plan.successors is None:
        raise RefusedError(
            "the plan names no hospitals that could name another coordinator, so the study ends with its "
            "coordinator's key",
            reason="succession.nobody-may",
            advice="Begin a new study; hospitals whose budget is spent take part with what is left",
        )
    return plan.successors


def voters(plan: PlanHeader) -> Mapping[Fingerprint, PublicKeys]:
    """The keys of the hospitals whose votes count, by fingerprint.

    :raises RefusedError: the plan names none.
    """
    return {member: plan.roster.known_hospital(member).keys for member in named_in(plan).members}


def admit_candidate(keys: PublicKeys, plan: PlanHeader) -> None:
    """Whether somebody with these keys could coordinate the study of a plan.

    :raises RefusedError: these are the coordinator's own keys, or one of them is a party's.
    """
    if keys.fingerprint == plan.sender:
        raise RefusedError(
            "these are the keys of the present coordinator",
            reason="candidacy.present-coordinator",
            advice="A candidacy is for somebody who is to take its place",
        )
    taken = {key for party in plan.roster.parties for key in (party.keys.signing, party.keys.sealing)}
    if keys.signing in taken or keys.sealing in taken:
        raise RefusedError(
            "a party of the study has these keys, and a coordinator needs keys of its own",
            reason="candidacy.keys-of-a-party",
            advice="Make a workspace of its own for it: privxray init --role coordinator --study NAME",
        )


def admit_last_day(until: Day, today: date) -> None:
    """Whether a hospital may vote today with a candidacy whose votes count until this day.

    :raises RefusedError: the day is past, or later than a candidacy may ask for.
    """
    if is_past(until, today):
        raise RefusedError(
            f"votes for this candidacy counted until {until}, and today is {today}",
            reason="candidacy.past",
            advice="If the date of this machine is right, ask its maker to make it again: privxray card "
            "--candidacy",
        )
    if is_too_far(until, today):
        raise RefusedError(
            f"votes for this candidacy would count until {until}, and {MOST_DAYS} days are the most",
            reason="candidacy.too-far",
            advice="If the date of this machine is right, ask its maker to make it again: privxray card "
            "--candidacy",
        )


def admit_election(header: SuccessionHeader, now: StudyNow, coordinator: Fingerprint) -> None:
    """Whether enough hospitals vote for a new coordinator, and have voted over what is known here.

    :param now: as this party knows the study.
    :param coordinator: whom the study's next plan would have to be signed by so far.
    :raises RefusedError: of another study, for another coordinator's place, by too few, after a vote's last
        day, or over an older plan or without a model that has come here.
    :raises IdentityError: a vote is not of a hospital that may vote, or is not for these keys.
    """
    plan = now.last.plan
    if header.study != plan.study or header.old != coordinator:
        raise RefusedError(
            "this succession is for the place of another coordinator",
            reason="succession.other-coordinator",
            advice="privxray inspect FILE says whose; ask the other hospitals for what came before",
        )
    admit_candidate(header.keys, plan)
    known, counted = voters(plan), list(ballots(header))
    for vote, ballot in counted:
        if vote.party not in known:
            raise IdentityError(
                "it counts the vote of somebody whom the plan gives none",
                reason="succession.no-vote",
                advice=_CALL,
            )
        if not is_consent(vote.consent, known[vote.party].verifier(), ballot):
            raise IdentityError(
                f"it counts a vote of {plan.roster.known_hospital(vote.party).name} that this hospital has "
                "not signed",
                reason="succession.false-vote",
                advice=_CALL,
            )
    needed = named_in(plan).threshold
    if len(counted) < needed:
        raise RefusedError(
            f"it has {len(counted)} of {needed} votes",
            reason="succession.too-few-votes",
            advice="Its sender has to collect more, and make it again",
        )
    _check_over_what_came(header, now)
    for vote, ballot in counted:
        if is_past(ballot.until, now.today):
            name = plan.roster.known_hospital(vote.party).name
            raise RefusedError(
                f"the vote of {name} counted until {ballot.until}, and today is {now.today}",
                reason="succession.past",
                advice="If the date of this machine is right, these votes are over. Call the coordinator and "
                "the hospitals that voted",
            )


def _check_over_what_came(header: SuccessionHeader, now: StudyNow) -> None:
    """Check that the coordinator has signed nothing since the votes, as far as it came here.

    :raises RefusedError: it has, or it signed something else than what the votes were made over.
    """
    plan = now.last.plan
    if header.round < plan.round:
        raise RefusedError(
            f"the coordinator has signed a plan since these votes: they were made over round {header.round}, "
            f"and round {plan.round} is followed here",
            reason="succession.before-newer-plan",
            advice="Call the coordinator. If its key is lost all the same, hand that plan to the hospitals "
            "that vote: they follow it (privxray join) and vote again",
        )
    if header.round > plan.round:
        return  # this party has missed a plan, which those who voted have
    if header.plan != now.last.digest:
        raise RefusedError(
            f"the votes were made over another plan of round {plan.round} than the one that is followed here",
            reason="succession.other-plan",
            advice=f"The coordinator before has signed two plans. {_CALL}",
        )
    if now.result is not None and header.result is None:
        raise RefusedError(
            f"the coordinator has signed the model or summary of round {plan.round} since these votes",
            reason="succession.before-newer-result",
            advice="Call the coordinator. If its key is lost all the same, hand that file to the hospitals "
            "that vote: they take it in (privxray accept) and vote again",
        )
    if now.result not in (None, header.result):
        raise RefusedError(
            f"the votes were made over another model or summary of round {plan.round} than the one that was "
            "accepted here",
            reason="succession.other-result",
            advice=f"The coordinator before has signed two. {_CALL}",
        )


def admit_vote(vote: Vote, now: StudyNow, candidate: PublicKeys) -> None:
    """Whether a vote is for this candidate, and was made over what the candidate was handed.

    :param now: the study as the candidate knows it.
    :raises RefusedError: it is for somebody else, of another study, over another plan or result, or over.
    """
    plan, ballot = now.last.plan, vote.ballot
    if (ballot.study, ballot.old, ballot.keys) != (plan.study, plan.sender, candidate):
        raise RefusedError(
            "this vote is for another study, another coordinator's place, or another candidate",
            reason="vote.other-candidate",
            advice="Leave it out; send its hospital your candidacy (privxray card --candidacy)",
        )
    name = plan.roster.known_hospital(vote.header.sender).name
    if is_past(ballot.until, now.today):
        raise RefusedError(
            f"the vote of {name} counted until {ballot.until}, and today is {now.today}",
            reason="vote.past",
            advice=f"If the coordinator's key is still lost, send {name} a new candidacy: privxray card "
            "--candidacy",
        )
    _check_same_plan(ballot, now.last, name)
    _check_same_result(ballot, now, name)


def _check_same_plan(ballot: Ballot, last: SignedPlan, name: str) -> None:
    """:raises RefusedError: a vote was made over another plan than the candidate's."""
    plan = last.plan
    if ballot.round > plan.round:
        raise RefusedError(
            f"{name} follows the plan of round {ballot.round}, and the one here is of round {plan.round}",
            reason="vote.newer-plan",
            advice=f"Ask {name} for its newest plan, and name that one",
        )
    if ballot.round < plan.round:
        raise RefusedError(
            f"{name} voted over the plan of round {ballot.round}, and the one here is of round {plan.round}",
            reason="vote.older-plan",
            advice=f"Hand {name} this plan: it follows it (privxray join), and votes again",
        )
    if ballot.plan != last.digest:
        raise RefusedError(
            f"{name} follows another plan of round {ballot.round} than the one here: the coordinator before "
            "has signed two",
            reason="vote.other-plan",
            advice="Ask all hospitals which plan they follow (privxray inspect)",
        )


def _check_same_result(ballot: Ballot, now: StudyNow, name: str) -> None:
    """:raises RefusedError: a vote was made over another model than the candidate's, or without it."""
    if ballot.result == now.result:
        return
    if now.result is None:
        raise RefusedError(
            f"{name} has accepted the model or summary of round {ballot.round}, and none was named here",
            reason="vote.newer-result",
            advice=f"Ask {name} for it, and name it: privxray succeed PLAN FILE --votes FOLDER --model FILE",
        )
    if ballot.result is None:
        raise RefusedError(
            f"{name} voted before it accepted the model or summary of round {ballot.round}, which is here",
            reason="vote.before-result",
            advice=f"Hand {name} that file: it takes it in (privxray accept), and votes again",
        )
    raise RefusedError(
        f"{name} has accepted another model or summary of round {ballot.round} than the one here: the "
        "coordinator before has signed two",
        reason="vote.other-result",
        advice="Compare the words that each hospital has by phone: privxray verify FILE",
    )
