"""What a plan changes for those who followed the one before.

Key words cover the parties and no terms. So under key words that were compared before, this is where a person
sees a lower guard.

Tested in tests/cli/test_keyholders.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.messages.consents import taken_out
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_words import public_constants
from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.workflow.common.new_coordinator import standing_vote
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import PlannedRound, last_of_task, planned_round
from privxray.workflow.custody.revoked import BY_RECOVERY
from privxray.workflow.hospital.taking_in.seen_files import kept_body
from privxray.workspace.session import Session
from privxray.workspace.state_tables.succession_tables import NamedCoordinator, OwnVote


@dataclass(frozen=True)
class KnownHere:
    """What this workspace knows of keys that took the place of others.

    :param named: by the key that is gone the one that was named in its place, and who named it, as the state
        of the workspace has it.
    :param coordinator: whom hospitals named in place of the coordinator of the plan before.
    :param voted: this hospital's own vote for such a one, where it still counts.
    :param model: the digest of the body of the model of the plan before, where that is kept here.
    :param compared: the hospitals of the last plan that asked for the same as this one; empty for none.
    """

    named: Mapping[Fingerprint, tuple[Fingerprint, str]]
    coordinator: NamedCoordinator | None = None
    voted: OwnVote | None = None
    model: str | None = None
    compared: frozenset[Fingerprint] = frozenset()


def known_here(session: Session, before: PlannedRound, plan: PlanHeader) -> KnownHere:
    """What is known here that bears on a plan, which comes after the one of ``before``."""
    state, study, coordinator = session.state, before.round.study, before.plan.sender
    model = session.workspace.model_copy(study, before.round.number)
    kept = before.round.model is not None and model.exists()
    return KnownHere(
        state.successors(),
        state.named_coordinator(study, coordinator),
        standing_vote(state, before.round, coordinator),
        kept_body(model) if kept else None,
        frozenset(alike.hospitals if (alike := last_of_task(session, plan)) else ()),
    )


def plan_changes(before: PlanHeader, plan: PlanHeader, own: Fingerprint, known: KnownHere) -> tuple[str, ...]:
    """Who joined, left or came with new keys since the plan before, by name, and which terms changed.

    :param own: the fingerprint of this party.
    """
    old = {party.name: party.keys for party in before.roster.parties}
    new = {party.name: party.keys for party in plan.roster.parties}
    return (
        *_coordinator(before, plan, known),
        *(f"{name} joined" for name in new if name not in old),
        *(f"{name} left" for name in old if name not in new),
        *(
            f"{name} has new keys, {_by_whom(old[name], new[name], known.named)}"
            for name in new
            if name in old and new[name] != old[name]
        ),
        *_recovery_keys(before, plan),
        *_seat_changes(before, plan),
        *_term_changes(before, plan),
        *_repetition(plan, own),
        *_left_out(before, plan),
        *_forgotten(before, plan),
        *_two_sums(plan, known),
    )


def _two_sums(plan: PlanHeader, known: KnownHere) -> tuple[str, ...]:
    """What the sums of two rounds of one task would show together; a repetition has rules of its own."""
    return () if plan.repeats is not None else differs_by_one(known.compared, set(plan.hospitals))


def changes_here(session: Session, plan: PlanHeader) -> tuple[str, ...] | None:
    """What a plan changes, for whoever looks at it; None where the plan before it is not here."""
    before = next((one for one in session.state.rounds(plan.study) if one.plan == plan.previous), None)
    if before is None:
        return None
    own, planned = public_keys(session.workspace).fingerprint, planned_round(session.workspace, before)
    return plan_changes(planned.plan, plan, own, known_here(session, planned, plan))


def _by_whom(old: PublicKeys, new: PublicKeys, named: Mapping[Fingerprint, tuple[Fingerprint, str]]) -> str:
    successor, why = named.get(old.fingerprint, (None, ""))
    if successor == new.fingerprint:
        return f"which its {'recovery' if why == BY_RECOVERY else 'old'} key has named"
    if successor is not None:
        return f"and its {'recovery' if why == BY_RECOVERY else 'old'} key has named others: call it"
    return "and no statement of its old key that names them has come here: call it"


def _coordinator(before: PlanHeader, plan: PlanHeader, known: KnownHere) -> Iterator[str]:
    """That the study has another coordinator, or that one signs whom this hospital voted out."""
    if plan.sender != before.sender:
        by = " and ".join(known.coordinator.voters) if known.coordinator else "hospitals of the study"
        named, gone = plan.coordinator_name, before.coordinator_name
        yield f"{named} is the coordinator, whom {by} named in place of {gone}"
        yield from _other_start(before, plan, known)
    elif known.voted is not None:
        yield (
            f"this hospital voted for {known.voted.name} as coordinator, and the one before signs still: "
            "call both before you follow it; after that the vote counts no more, neither here nor with "
            "anybody else who follows this plan"
        )


def _other_start(before: PlanHeader, plan: PlanHeader, known: KnownHere) -> Iterator[str]:
    """That a new coordinator does not go on from where the study was; a new study it may begin."""
    if plan.place == before.next_place and known.model not in (None, plan.body.sha256):
        yield "it does not start from the model that is kept here: call the coordinator"
    if plan.place == before.place and plan.body.sha256 != before.body.sha256:
        yield "it does not start from the model that the plan before started from: call the coordinator"
    if plan.place == before.place and known.model is not None:
        yield (
            f"it plans training round {plan.stage} again, whose model is kept here: give that to the "
            "coordinator before anybody trains (privxray succeed --model)"
        )


def _recovery_keys(before: PlanHeader, plan: PlanHeader) -> Iterator[str]:
    """Whose recovery key is another one than before, though its keys are the same."""
    for party in plan.roster.parties:
        was = before.roster.party(party.keys.fingerprint)
        if (
            was is None
            or was.recovery == party.recovery
            or (was.recovery and party.recovery and was.recovery.key == party.recovery.key)
        ):
            continue
        if party.recovery is None:
            yield f"{party.name} has no recovery key any more"
        else:
            yield f"{party.name} has {'a' if was.recovery is None else 'another'} recovery key now"


def _repetition(plan: PlanHeader, own: Fingerprint) -> tuple[str, ...]:
    """What it means for this party that the plan repeats a round."""
    if plan.repeats is None:
        return ()
    if own not in plan.hospitals:
        return ("the last round is repeated with the same vectors",)
    asked = plan.without.asked if plan.without else None
    if asked is not None and own not in asked:
        return (
            "the last round is repeated, and its sum was asked for without this hospital: it has nothing "
            "to do in this round",
        )
    if plan.repeats.commitment_of(own) is not None:
        return ("the last round is repeated: this hospital exports the same noisy numbers again, at no cost",)
    costs = (
        "which costs privacy budget; whoever sees both sums learns the difference of its two noisy results, "
        "so ask the coordinator why"
    )
    if plan.committee is None:
        return (f"the last round is repeated, and this hospital is to train anew, {costs}",)
    return (
        "the last round is repeated, and no update of this hospital was in it; a training that has not been "
        f"exported goes on, and if one has been exported, this hospital is to train anew, {costs}",
    )


def _left_out(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """Why hospitals are not in a round that is repeated; the plan was admitted."""
    if plan.without is None:
        return ()
    waived = {taken_out(text).key_id for text in plan.without.waivers}
    names = before.roster.names(waived)
    shown = [member.name for member in before.roster.members if member.name not in names]
    staying = {member.name for member in plan.roster.members}
    return (
        *(f"{name} has signed that the round may be repeated without it" for name in names),
        *(
            f"the update of {name} is not what it committed to, as the plan shows"
            for name in shown
            if plan.without.faulty and name not in staying
        ),
    )


def _forgotten(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """What it means that the coordinator does not say what was signed under the plan before."""
    if plan.heads is None or plan.since is not None:
        return ()
    if plan.sender != before.sender:
        return (
            "the new coordinator can't know all that the one before signed in its last round: compare the "
            "words of that round's plan and model with another hospital: privxray verify FILE",
        )
    return (
        "the coordinator does not know what was signed in the round before, for it was restored from a "
        "backup or took the study over: ask it by phone, and compare the words of that round's model with "
        "another hospital: privxray verify FILE",
    )


def _seat_changes(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """Who became or stopped being a keyholder."""
    old, new = _keyholders(before), _keyholders(plan)
    return (
        *(f"{name} is a keyholder now" for name in sorted(new - old)),
        *(f"{name} is no keyholder any more" for name in sorted(old - new)),
    )


def _keyholders(plan: PlanHeader) -> set[str]:
    seats = plan.committee.seats if plan.committee else ()
    return set(plan.roster.names(seat.keyholder for seat in seats))


def _term_changes(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """The public terms that changed; keyholders are named by :func:`_seat_changes`."""
    old, new = public_constants(before), public_constants(plan)
    told = {"keyholders"}
    if plan.schedule is not None and plan.schedule == before.schedule:
        told |= {"task", "rounds", "epsilon"}  # of the task at hand; the whole study stays as it was
    return tuple(
        f"{name} is {new.get(name, 'not set')} and was {old.get(name, 'not set')}"
        for name in {**old, **new}
        if name not in told and old.get(name) != new.get(name)
    )
