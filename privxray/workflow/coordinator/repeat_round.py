"""``plan --repeat``: the open round once more, with the same noisy vectors under fresh masks.

A hospital whose update is what it committed to sends the same vector again and pays nothing. One whose update
is not has to train anew, or is left out, and the plan shows to all others that it is wrong. Any hospital may
be left out if it has signed a waiver. With keyholders, others may be left out as well: those who helped to
open a sum already help to open the same one only.

Tested in tests/cli/test_repeated_rounds.py and tests/cli/test_repeats_held.py.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from privxray.errors import STATUS_SAYS, CohortError, RefusedError
from privxray.exchange.admission.repeating.admit_repeat import admit_repeat
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.repeats import Faulty, Repeats, Same
from privxray.exchange.opening_committed import faulty_updates
from privxray.formats.features import REPEATS, REPEATS_WITHOUT
from privxray.formats.header import Fingerprint
from privxray.keys.card import CardHeader
from privxray.keys.identity import Identity
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound
from privxray.workflow.common.repeated_plans import chain_of
from privxray.workflow.coordinator.asked_before import asked_before
from privxray.workflow.coordinator.collected_files import Collected, collect, incomplete
from privxray.workflow.coordinator.open_round_sum import committed_updates
from privxray.workflow.coordinator.planning.continue_plan import following
from privxray.workflow.coordinator.planning.next_parties import NextKeys, carry_on
from privxray.workflow.coordinator.planning.past_files import Past, since_of
from privxray.workflow.coordinator.planning.read_cards import check_unused, read_cards
from privxray.workflow.coordinator.planning.sign_plan import Draft, Planned, deliver_plan, sign_plan
from privxray.workflow.coordinator.repeat_files import (
    Consents,
    expect_to_fit,
    read_consents,
    shown_update,
    sorted_by_kind,
)
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working


def repeat_round(
    workspace: Workspace,
    paths: Sequence[Path],
    passphrase: Passphrase,
    *,
    without: Sequence[str] = (),
    force: bool = False,
) -> Planned:
    """Sign the plan that repeats the open round; called again with the same files, deliver it again.

    :param paths: updates and share files of the round, whose next keys serve the repetition; cards of parties
        that stated none; waivers and refusals.
    :param without: names of parties that are left out of the repetition. In the mode ``strict`` a hospital
        has to have signed a waiver or a wrong update.
    :param force: replace another file that stands where the plan goes.
    :raises RefusedError: no round is open, or its plan allows no such repetition.
    :raises CohortError: an update is missing or refused, or every one is wrong.
    """
    workspace.require("coordinator", "plan")
    identity = unlock(workspace, passphrase)
    files = sorted_by_kind(paths)
    with working(workspace) as session, ExitStack() as copies:
        collected = collect(session, files.of_the_round, copies)
        nothing_new = not (collected.updates or collected.blocking(complete=False))
        if collected.plan.repeats is not None and nothing_new:
            # Typed again with the same updates: an earlier call may have been cut off.
            return deliver_plan(session, collected.plan, force=force)
        consents = read_consents(session, collected.planned, files)
        left = {*without, *collected.plan.roster.names(consents.waived)}
        _expect_repeatable(session, collected.planned, left)
        cards = read_cards(session, files.cards)
        check_unused(session, cards)
        _expect_files(session, collected, left)
        draft = _draft(session, collected, identity, _Changes(cards, consents, left))
        before = collected.planned
        _expect_followed(session, draft.plan, before)
        return sign_plan(session, identity, draft, force=force)


@dataclass(frozen=True)
class _Changes:
    """What differs from the round that is repeated.

    :param cards: fresh ones.
    :param consents: what parties signed.
    :param left: the names of parties that are left out.
    """

    cards: Sequence[CardHeader]
    consents: Consents
    left: Set[str]


def _draft(session: Session, collected: Collected, identity: Identity, changes: _Changes) -> Draft:
    """The plan that repeats the round, unsigned."""
    before, consents = collected.planned, changes.consents
    keys = NextKeys(
        {sender: one.header.next_mask for sender, one in collected.cohort.updates.items()},
        {
            **{one.header.sender: one.header.next_unsealing for one in collected.cohort.answers.values()},
            **consents.unsealing,
        },
    )
    parties = carry_on(changes.cards, before.plan, keys, sorted(changes.left), before.plan.coordinator)
    _expect_no_newcomer(before.plan, {member.keys.fingerprint for member in parties.roster.members})
    seen = {*collected.cohort.updates, *(one.header.sender for one in collected.cohort.answers.values())}
    past = Past(before.signed, since_of(session.state, before.round), seen)
    draft = following(past, parties, before.plan.place, before.file.body())
    faulty = faulty_updates(before.plan, committed_updates(collected, identity))
    same = _same(session, collected, faulty, draft.plan)
    repeats = Repeats(plan=before.signed.digest, same=same)
    shown = {} if before.plan.committee else _shown(collected, identity, changes, faulty)
    with_chain = draft.plan.model_copy(update={"repeats": repeats, "without": consents.stated(None)})
    asked = asked_before(session, before, chain_of(session, with_chain))
    _expect_agreed(before.plan, changes, asked, shown.keys())
    if asked is not None and len(asked) < draft.plan.keyholding.minimum_cohort:
        raise RefusedError(
            f"the sum of {len(asked)} hospitals would be left to ask for, and the plan allows no fewer than "
            f"{draft.plan.keyholding.minimum_cohort}",
            reason="repeat.too-few",
            file=session.root,
            advice="Plan the round anew: privxray plan cards/*.card --continue",
        )
    stated = consents.stated(asked, tuple(shown.values()))
    return replace(draft, plan=draft.plan.model_copy(update={"repeats": repeats, "without": stated}))


def _shown(
    collected: Collected, identity: Identity, changes: _Changes, wrong: Set[Fingerprint]
) -> dict[Fingerprint, Faulty]:
    """The updates that are shown to be wrong: of hospitals that are left out and have signed no waiver."""
    left = {m.keys.fingerprint for m in collected.plan.roster.members if m.name in changes.left}
    shown = {
        sender: shown_update(collected.updates[sender], collected.cohort.updates[sender].header, identity)
        for sender in sorted((wrong & left) - changes.consents.waived)
    }
    expect_to_fit(shown.values())
    return shown


def _same(
    session: Session, collected: Collected, faulty: Set[Fingerprint], plan: PlanHeader
) -> tuple[Same, ...]:
    """The hospitals of the new plan that send the same vector again.

    Beside those that delivered, these are hospitals that were to repeat their vector already in this round
    and have not delivered yet. Two that state different masks between them are among them, for the masks are
    fresh.

    :raises CohortError: nobody can.
    """
    before = collected.plan
    known = {one.party: one.commitment for one in (before.repeats.same if before.repeats else ())}
    known |= {sender: one.header.commitment or "" for sender, one in collected.cohort.updates.items()}
    same = tuple(
        Same(party=sender, commitment=commitment)
        for sender, commitment in sorted(known.items())
        if sender not in faulty and sender in plan.hospitals
    )
    if not same:
        raise CohortError(
            "every update is wrong, so nothing can be repeated",
            reason="repeat.nobody",
            file=session.workspace.updates,
            advice="Plan the round anew: privxray plan cards/*.card --continue",
        )
    return same


def _expect_repeatable(session: Session, planned: PlannedRound, left: Set[str]) -> None:
    """:raises RefusedError: no round is open, or its plan can't be repeated, or not without these parties."""
    if not planned.round.state.awaits_files:
        raise RefusedError(
            "no round is open, so none can be repeated",
            reason="repeat.no-round-open",
            file=session.root,
            advice=STATUS_SAYS,
        )
    features, held = planned.plan.features, planned.plan.committee is not None
    if REPEATS not in features or ((held or left) and REPEATS_WITHOUT not in features):
        raise RefusedError(
            "the plan of this round allows no such repetition: that takes commitments, and a version of "
            "privxray at every party that can repeat with keyholders or without a hospital",
            reason="repeat.not-in-plan",
            file=session.root,
            advice="Plan it anew with fresh cards: privxray plan cards/*.card --continue; hospitals that had "
            "exported train anew",
        )


def _expect_followed(session: Session, plan: PlanHeader, before: PlannedRound) -> None:
    """Hold the plan against the rules by which its recipients will judge it.

    :raises RefusedError: they would not follow it.
    """
    try:
        admit_repeat(plan, before.signed, chain_of(session, plan).earlier[1:])
    except RefusedError as error:
        raise RefusedError(
            f"nobody would follow this plan: {error.what}",
            reason=error.reason,
            advice="Repeat the round with more of its parties, or with refusals of its keyholders (privxray "
            "refuse); or plan it anew: privxray plan cards/*.card --continue",
        ) from error


def _expect_files(session: Session, collected: Collected, left: set[str]) -> None:
    """In the mode strict every hospital's update is here, or its waiver; and no file is refused.

    :param left: the names of parties that are left out. Whether they may be, :func:`_expect_agreed` says.
    :raises CohortError: one is missing or refused.
    """
    missing = {member.name for member in collected.cohort.missing} - left
    strict = collected.plan.committee is None
    unfit = collected.blocking(complete=not missing)
    if unfit or (missing and strict):
        advice = (
            "Ask for what is missing or refused. If a hospital can't deliver, let it sign a waiver (privxray "
            "waive) and give that too; otherwise the round has to be planned anew and paid"
        )
        raise incomplete(session, collected.plan, sorted(missing) if strict else [], unfit, advice)


def _expect_agreed(
    before: PlanHeader,
    changes: _Changes,
    asked: Sequence[Fingerprint] | None,
    faulty: Set[Fingerprint],
) -> None:
    """A hospital whose vector may be in a sum that was opened is left out only if it agreed, or is faulty.

    :param asked: the hospitals whose sum keyholders may have helped to open already.
    :param faulty: those whose update is shown to be wrong.
    :raises RefusedError: one has not agreed; it names it.
    """
    summed = set(before.hospitals if before.committee is None else asked or ())
    needed = set(before.roster.names(summed - changes.consents.waived - faulty))
    for name in sorted(needed & changes.left):
        raise RefusedError(
            f"{name} is to be left out, and a sum with its noisy result may have been opened: the sum "
            "without it would show that result",
            reason="repeat.without-waiver",
            advice=f"If {name} agrees, it types privxray waive, and its waiver is given here, too. Otherwise "
            "plan the round anew (privxray plan --continue --without NAME), and hospitals that had exported "
            "pay again",
        )


def _expect_no_newcomer(before: PlanHeader, members: set[Fingerprint]) -> None:
    if not members <= set(before.hospitals):
        raise RefusedError(
            "a card is of a hospital that was not in the round, and a repetition takes nobody in",
            reason="repeat.newcomer",
            advice="Leave its card out; it can join at the next training round (privxray plan --continue)",
        )
