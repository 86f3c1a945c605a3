"""The rules by which new keys are taken for those that are gone (docs/SPEC-2.md, section 10).

Tested in tests/unit/test_succession.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from privxray.errors import IdentityError, RefusedError
from privxray.exchange.messages.plan import PlanHeader, SignedPlan
from privxray.exchange.messages.successors import Successors
from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Trustee
from privxray.keys.succession.consent import is_consent
from privxray.keys.succession.succession_file import SuccessionHeader
from privxray.keys.succession.vote import VoteHeader

_CALL = "Call the hospitals of the study before you follow anybody"


def expect_by(header: SuccessionHeader, by: Literal["recovery", "members"]) -> None:
    """Check who consents to a succession.

    :raises RefusedError: the others; the advice names the command that takes it.
    """
    if header.by == by:
        return
    if header.by == "members":
        raise RefusedError(
            "this succession is by votes, for a coordinator",
            reason="succession.by-votes",
            advice="Type: privxray join FILE",
        )
    raise RefusedError(
        "this succession is by a recovery key, for a party",
        reason="succession.by-recovery",
        advice="Type: privxray distrust FILE",
    )


def admit_recovery(header: SuccessionHeader, party: Member | Trustee) -> None:
    """Whether the recovery key of a party of a plan consents to its new keys.

    :param party: as the newest plan that is known here lists it.
    :raises RefusedError: it states no recovery key.
    :raises IdentityError: another key consents, or the name is another party's.
    """
    if party.recovery is None:
        raise RefusedError(
            f"no plan that is followed here says which recovery key {party.name} has",
            reason="succession.no-recovery-key",
            advice=f"Call {party.name}, and compare the key words of its new card; the old key can be "
            "refused by its revocation",
        )
    if party.name != header.name:
        raise IdentityError(
            f"the old key is of {party.name}, and the succession names another party",
            reason="succession.other-name",
            advice=f"Call {party.name}",
        )
    if not is_consent(header.consent or "", party.recovery.verifier(), None, header.old, header.keys):
        raise IdentityError(
            f"the recovery key of {party.name} has not signed this",
            reason="succession.wrong-consent",
            advice=f"Call {party.name}: somebody else may have made it",
        )


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


def admit_election(header: SuccessionHeader, plan: PlanHeader, coordinator: Fingerprint) -> None:
    """Whether enough hospitals that a plan names vote for a new coordinator.

    :param plan: the newest plan of the study that is followed here.
    :param coordinator: whom the study's next plan would have to be signed by so far.
    :raises RefusedError: of another study, for another coordinator's place, or by too few.
    :raises IdentityError: a vote is not of a hospital that may vote, or is not for these keys.
    """
    if header.study != plan.study or header.old != coordinator:
        raise RefusedError(
            "this succession is for the place of another coordinator",
            reason="succession.other-coordinator",
            advice="privxray inspect FILE says whose; ask the other hospitals for what came before",
        )
    admit_candidate(header.keys, plan)
    known = voters(plan)
    votes = header.votes or ()
    for vote in votes:
        if vote.party not in known:
            raise IdentityError(
                "it counts the vote of somebody whom the plan gives none",
                reason="succession.no-vote",
                advice=_CALL,
            )
        if not is_consent(vote.consent, known[vote.party].verifier(), header.study, header.old, header.keys):
            raise IdentityError(
                f"it counts a vote of {plan.roster.known_hospital(vote.party).name} that this hospital has "
                "not signed",
                reason="succession.false-vote",
                advice=_CALL,
            )
    needed = named_in(plan).threshold
    if len(votes) < needed:
        raise RefusedError(
            f"it has {len(votes)} of {needed} votes",
            reason="succession.too-few-votes",
            advice="Its sender has to collect more, and make it again",
        )


def admit_vote(vote: VoteHeader, last: SignedPlan, candidate: PublicKeys) -> None:
    """Whether a vote is for this candidate, and the candidate's plan is the newest that the hospital knows.

    :param last: the last plan of the coordinator before, as the candidate has it.
    :raises RefusedError: it is for somebody else, of another study, or its hospital follows another plan.
    """
    plan = last.plan
    if (vote.study, vote.old, vote.keys) != (plan.study, plan.sender, candidate):
        raise RefusedError(
            "this vote is for another study, another coordinator's place, or another candidate",
            reason="vote.other-candidate",
            advice="Leave it out; send its hospital your candidacy (privxray card --candidacy)",
        )
    name = plan.roster.known_hospital(vote.sender).name
    if vote.round > plan.round:
        raise RefusedError(
            f"{name} follows the plan of round {vote.round}, and the one here is of round {plan.round}",
            reason="vote.newer-plan",
            advice=f"Ask {name} for its newest plan, and name that one",
        )
    if vote.round == plan.round and vote.plan != last.digest:
        raise RefusedError(
            f"{name} follows another plan of round {plan.round} than the one here",
            reason="vote.other-plan",
            advice="The coordinator before has signed two: ask all hospitals which one they follow",
        )
