"""What a plan changes for those who followed the one before.

Key words cover the parties and no terms. So under key words that were compared before, this is where a person
sees a lower guard.

Tested in tests/cli/test_keyholders.py and tests/cli/test_rounds.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from privxray.exchange.admission.differencing import differs_by_one
from privxray.exchange.messages.consents import taken_out
from privxray.exchange.messages.plan import PlanHeader
from privxray.formats.header import Fingerprint
from privxray.keys.identity import PublicKeys
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workspace.session import Session


def plan_changes(
    before: PlanHeader | None,
    plan: PlanHeader,
    own: Fingerprint,
    named: Mapping[Fingerprint, Fingerprint],
) -> tuple[str, ...]:
    """Who joined, left or came with new keys since the plan before, by name, and which terms changed.

    :param before: None for the first plan of a study.
    :param own: the fingerprint of this party.
    :param named: the keys that parties have named in place of their old ones, as it is known here.
    """
    if before is None:
        return ()
    old = {party.name: party.keys for party in before.roster.parties}
    new = {party.name: party.keys for party in plan.roster.parties}
    return (
        *(f"{name} joined" for name in new if name not in old),
        *(f"{name} left" for name in old if name not in new),
        *(
            f"{name} has new keys, {_by_whom(old[name], new[name], named)}"
            for name in new
            if name in old and new[name] != old[name]
        ),
        *_seat_changes(before, plan),
        *_term_changes(before, plan),
        *_repetition(plan, own),
        *_left_out(before, plan),
        *_forgotten(plan),
        *(differs_by_one(set(before.hospitals), set(plan.hospitals)) if plan.repeats is None else ()),
    )


def changes_here(session: Session, plan: PlanHeader) -> tuple[str, ...] | None:
    """What a plan changes, for whoever looks at it; None where the plan before it is not here."""
    before = next((one for one in session.state.rounds(plan.study) if one.plan == plan.previous), None)
    if before is None:
        return None
    own = public_keys(session.workspace).fingerprint
    return plan_changes(load_plan(session.workspace, before), plan, own, session.state.successors())


def _by_whom(old: PublicKeys, new: PublicKeys, named: Mapping[Fingerprint, Fingerprint]) -> str:
    if named.get(old.fingerprint) == new.fingerprint:
        return "which its old key has named"
    return "and no statement of its old key that names them has come here: call it"


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
    names = [member.name for member in before.roster.members if member.keys.fingerprint in waived]
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


def _forgotten(plan: PlanHeader) -> tuple[str, ...]:
    """What it means that the coordinator does not say what it signed under the plan before."""
    if plan.heads is None or plan.since is not None:
        return ()
    return (
        "the coordinator does not know any more what it signed in the round before, for its workspace was "
        "restored from a backup: ask it by phone, and compare the words of that round's model with another "
        "hospital: privxray verify FILE",
    )


def _seat_changes(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """Who became or stopped being a keyholder."""
    old, new = _keyholders(before), _keyholders(plan)
    return (
        *(f"{name} is a keyholder now" for name in sorted(new - old)),
        *(f"{name} is no keyholder any more" for name in sorted(old - new)),
    )


def _keyholders(plan: PlanHeader) -> set[str]:
    if plan.committee is None:
        return set()
    parties = [plan.roster.party(seat.keyholder) for seat in plan.committee.seats]
    return {party.name for party in parties if party}


def _term_changes(before: PlanHeader, plan: PlanHeader) -> tuple[str, ...]:
    """The public terms that changed; keyholders are named by :func:`_seat_changes`."""
    old, new = before.public_constants(), plan.public_constants()
    return tuple(
        f"{name} is {new.get(name, 'not set')} and was {old.get(name, 'not set')}"
        for name in {**old, **new}
        if name != "keyholders" and old.get(name) != new.get(name)
    )
