"""Taking a succession in: a party's by its recovery key, a coordinator's by the votes of hospitals.

Tested in tests/cli/test_recovery.py and tests/cli/test_coordinator_lost.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.errors import RefusedError
from privxray.exchange.admission.admit_election import StudyNow, admit_election
from privxray.exchange.admission.admit_succession import admit_recovery, expect_by
from privxray.exchange.intake import Received
from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.keys.roster import Member, Trustee
from privxray.keys.succession.succession_file import SuccessionHeader, read_succession
from privxray.workflow.common.new_coordinator import awaited_coordinator
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan, planned_round
from privxray.workflow.common.stamp import today
from privxray.workflow.custody.revoked import BY_MEMBERS, BY_RECOVERY, expect_not_revoked
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import KnownStudy, Round
from privxray.workspace.state_tables.succession_tables import NamedCoordinator


@dataclass(frozen=True)
class TakenIn:
    """A succession that was taken in.

    :param notes: what a person should heed, in plain words.
    :param already: it was taken in before.
    """

    header: SuccessionHeader
    voters: tuple[str, ...]
    notes: tuple[str, ...]
    already: bool


def take_recovery(session: Session, received: Received) -> TakenIn:
    """Take in that a party's recovery key has named other keys: the old key is refused from now on.

    It outranks what the old key itself has named, for that key may be a thief's by now.

    :raises RefusedError: it is about this workspace's own key, the party or its recovery key is not known
        here, or its recovery key has named other keys before.
    :raises IdentityError: the recovery key has not signed it.
    """
    header, state = read_succession(received.envelope), session.state
    received.check_body(header.body)
    expect_by(header, "recovery")
    if header.old == public_keys(session.workspace).fingerprint:
        raise RefusedError(
            "this succession is about this workspace's own key: somebody has its recovery key",
            reason="succession.own",
            advice="If you did not make it, call the coordinator and the other hospitals at once",
        )
    admit_recovery(header, _party(session, header.old))
    expect_not_revoked(state, header.sender)
    named = state.successors().get(header.old)
    if named == (header.sender, BY_RECOVERY):
        return TakenIn(header, (), (), already=True)
    if named is not None and named[1] == BY_RECOVERY:
        raise RefusedError(
            f"the recovery key of {header.name} has named other keys before",
            reason="succession.second",
            advice=f"Call {header.name}: somebody else has its recovery key, too",
        )
    notes: tuple[str, ...] = ()
    if named is not None and named[0] != header.sender:
        notes = (
            f"the old key of {header.name} had named other keys ({named[0][:16]}): it is in other hands; "
            "what counts is its recovery key",
        )
    with state.transaction():
        state.name_successor(header.old, header.name, BY_RECOVERY, header.sender)
    return TakenIn(header, (), notes, already=False)


def take_election(session: Session, received: Received) -> TakenIn:
    """Take in that hospitals have named another coordinator: the old key is refused from now on.

    The new one's first plan is still joined by its key words.

    :raises RefusedError: of a study that is not followed here, by too few votes, for another coordinator's
        place, by votes that were made before a plan or model that came here or are over, or somebody else was
        named before.
    :raises IdentityError: a vote is false.
    """
    header, state = read_succession(received.envelope), session.state
    received.check_body(header.body)
    expect_by(header, "members")
    study = header.study or ""
    known, last = state.study(study), state.last_round(study)
    if known is None or last is None:
        raise RefusedError(
            "the study of this succession is not followed here",
            reason="succession.unknown-study",
            advice="privxray inspect FILE says which study it is for",
        )
    before = state.named_coordinator(study, header.old)
    if before is not None and before.keys == header.keys:
        return TakenIn(header, before.voters, (), already=True)
    if before is not None:
        raise RefusedError(
            f"{before.name} was named in place of that coordinator before, by {' and '.join(before.voters)}",
            reason="succession.second-coordinator",
            advice="Two coordinators were named: call the hospitals that voted, and follow neither "
            "until then",
        )
    signed = planned_round(session.workspace, last).signed
    plan, now = signed.plan, StudyNow(signed, last.result, today())
    admit_election(header, now, trusted_coordinator(state, known).fingerprint)
    expect_not_revoked(state, header.sender)
    voters = tuple(sorted(plan.roster.known_hospital(vote.party).name for vote in header.votes or ()))
    named = NamedCoordinator(header.name, header.keys, voters, received.envelope.digest)
    with state.transaction():
        state.name_coordinator(study, header.old, named)
        state.name_successor(header.old, plan.coordinator_name, BY_MEMBERS, header.sender)
    vote = state.own_vote(study, header.old)
    other = vote is not None and vote.keys != header.keys
    notes = (f"this hospital had voted for {vote.name}",) if vote is not None and other else ()
    return TakenIn(header, voters, notes, already=False)


def trusted_coordinator(state: State, known: KnownStudy) -> PublicKeys:
    """Who must sign the next plan of a study: its coordinator, or whom hospitals named in its place."""
    keys = known.coordinator
    while named := state.named_coordinator(known.name, keys.fingerprint):
        keys = named.keys
    return keys


def expect_coordinator_stays(state: State, round_: Round) -> None:
    """Check that the newest round of a study is not void because its coordinator's key is lost.

    :raises RefusedError: hospitals have named another coordinator.
    """
    named = awaited_coordinator(state, round_.study)
    if named is not None:
        raise RefusedError(
            f"round {round_.number} is void: {' and '.join(named.voters)} named {named.name} as coordinator, "
            "who can't open what is sealed to the one before",
            reason="round.coordinator-succeeded",
            advice=f"Carry a fresh card to {named.name} (privxray card), and join the next plan",
        )


def _party(session: Session, old: Fingerprint) -> Member | Trustee:
    """The party with this key, as the newest plan that is known here lists it.

    :raises RefusedError: no plan does.
    """
    for round_ in reversed(session.state.rounds()):
        found = load_plan(session.workspace, round_).roster.party(old)
        if found is not None:
            return found
    raise RefusedError(
        "no plan that is known here names the old key",
        reason="succession.unknown-party",
        advice="privxray inspect FILE says whose it is; of a party that you met outside of a study, "
        "compare the key words anew: privxray infer distrust NAME",
    )
