"""``aggregate`` under a plan that agrees on secrets: the agreements go into the next plan, signed at once.

Nothing is opened and there is nothing to decide in between, so no command comes between the two. The plan is
kept before the round is closed and leaves after it, as after a sum.

Tested in tests/cli/test_hybrid_masks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from privxray.errors import PrivxrayError, StrangeFileError, UsageError
from privxray.exchange.admission.admit_agreement import Agreements
from privxray.exchange.admission.admit_hybrid import check_hybrid
from privxray.exchange.intake import envelope_of, take_in
from privxray.exchange.messages.heads import Since
from privxray.exchange.messages.plan import PlanHeader
from privxray.naming.public_names import lone_name
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.planned_round import PlannedRound, planned_round
from privxray.workflow.common.study_words import remember_words, study_words
from privxray.workflow.coordinator.collected_files import incomplete
from privxray.workflow.coordinator.planning.continue_plan import following
from privxray.workflow.coordinator.planning.next_parties import NextKeys, carry_on
from privxray.workflow.coordinator.planning.past_files import Past
from privxray.workflow.coordinator.planning.sign_plan import (
    Draft,
    Planned,
    deliver_plan,
    record_plan,
    stage_plan,
)
from privxray.workflow.custody.revoked import expect_not_revoked
from privxray.workspace.session import Session
from privxray.workspace.transitions import Event

_GO_ON = "Wait for what is missing, ask again, or go on without a hospital for good: --without NAME"


@dataclass(frozen=True)
class Agreed:
    """The plan that came of a round of agreements.

    :param plan: the one that asked for them.
    :param hospitals: how many hospitals agreed.
    :param notes: which files were passed over, and what a person should heed.
    :param already: the round had been closed before, and only its plan was delivered again.
    """

    next_plan: Planned
    plan: PlanHeader
    hospitals: int
    notes: tuple[str, ...]
    already: bool


@dataclass
class _Offered:
    """What came of the files that were offered."""

    agreements: Agreements
    refused: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)


def agreements_awaited(session: Session, paths: Sequence[Path]) -> PlannedRound | None:
    """The round of agreements that files are for; None where they are for a round with a sum.

    It is the newest round, or the one before it where nothing but agreements is named: an earlier call may
    have been cut off before its plan left.
    """
    rounds = session.state.rounds(session.workspace.own_study)
    newest = planned_round(session.workspace, rounds[-1])
    if newest.plan.its_task == "agree":
        return newest
    if newest.plan.encapsulated is None or not newest.round.state.awaits_files or not paths:
        return None
    if any(_kind(path) != "agreement" for path in paths):
        return None
    return next(
        planned_round(session.workspace, one)
        for one in rounds
        if one.plan == newest.plan.encapsulated[0].plan
    )


def close_agreement(
    session: Session,
    asked: PlannedRound,
    paths: Sequence[Path],
    passphrase: Passphrase,
    *,
    without: Sequence[str] = (),
    force: bool = False,
) -> Agreed:
    """Sign the plan that follows a round of agreements; typed again, deliver it again.

    :param asked: from :func:`agreements_awaited`.
    :param without: names of hospitals that did not deliver and are left out from here on.
    :param force: replace another file that stands where the plan goes.
    :raises CohortError: an agreement is missing or refused; nothing is changed.
    :raises UsageError: ``without`` names somebody who delivered, or nobody of the plan.
    :raises RefusedError: too few hospitals are left.
    """
    workspace, plan = session.workspace, asked.plan
    newest = session.state.rounds(workspace.own_study)[-1]
    if newest.plan != asked.signed.digest:
        following_plan = planned_round(workspace, newest).plan
        delivered = deliver_plan(session, following_plan, force=force)
        return Agreed(delivered, plan, len(following_plan.hospitals), (), already=True)
    offered = _offered(session, asked, paths)
    _expect_complete(session, offered, without)
    identity = unlock(workspace, passphrase)
    draft = _draft(asked, offered.agreements, without)
    draft.plan.verify()
    check_hybrid(draft.plan)
    following_signed = stage_plan(workspace, identity, draft)
    words = study_words(session.state, draft.plan)
    with session.state.transaction():
        session.state.change_round("coordinator", asked.round, Event.AGREED)
        record_plan(session.state, following_signed)
        remember_words(session.state, draft.plan, words)
    notes = [f"{stray}; passed over" for stray in offered.strays]
    delivered = deliver_plan(session, draft.plan, force=force)
    return Agreed(delivered, plan, len(draft.plan.hospitals), tuple(notes), already=False)


def _draft(asked: PlannedRound, agreements: Agreements, without: Sequence[str]) -> Draft:
    """The plan of what comes after the agreement, with the keys that its plan has named already."""
    plan = asked.plan
    keys = NextKeys(
        {member.keys.fingerprint: member.mask for member in plan.roster.members},
        {seat.keyholder: seat.unsealing for seat in (plan.committee.seats if plan.committee else ())},
    )
    parties = carry_on([], plan, keys, without, plan.coordinator)
    place = plan.next_place
    assert place is not None  # a schedule that agrees on secrets trains afterwards
    past = Past(asked.signed, Since(request=None, result=None))
    draft = following(past, parties, place, asked.file.body())
    stated = agreements.encapsulated(draft.plan.hospitals)
    return replace(draft, plan=draft.plan.model_copy(update={"encapsulated": stated}))


def _offered(session: Session, asked: PlannedRound, paths: Sequence[Path]) -> _Offered:
    """Offer files to a round of agreements."""
    offered = _Offered(Agreements(asked.signed))
    members = {member.keys.fingerprint: member.name for member in asked.plan.roster.members}
    for path in paths:
        who, told = lone_name(path), offered.strays
        try:
            with take_in(path, session.workspace.inbox) as received:
                sender = received.envelope.key_id
                if sender in members:
                    who, told = f"{members[sender]} ({path.name})", offered.refused
                expect_not_revoked(session.state, sender)
                offered.agreements.take(received.envelope)
                received.check_body(offered.agreements.taken[sender].body)
        except (StrangeFileError, PrivxrayError) as error:
            told.append(f"{who}: {error.what}")
        except PermissionError as error:
            told.append(f"{who}: it can't be read ({error.strerror})")
    return offered


def _expect_complete(session: Session, offered: _Offered, without: Sequence[str]) -> None:
    """Whether every hospital that is not left out delivered, and nothing is refused.

    :raises CohortError: an agreement is missing and its hospital not named in ``without``, or is refused.
    :raises UsageError: ``without`` names a hospital that delivered.
    """
    plan = offered.agreements.signed.plan
    missing = [member.name for member in offered.agreements.missing]
    here = {member.name for member in plan.roster.members} - set(missing)
    if delivered := sorted(here & set(without)):
        raise UsageError(
            f"{', '.join(delivered)} delivered an agreement, and can't be left out as missing",
            reason="without.delivered",
            advice="Type the command again without --without for it, or without its file",
        )
    lacking = [name for name in missing if name not in without]
    wrong = [*offered.refused, *(offered.strays if lacking else ())]
    if lacking or wrong:
        raise incomplete(session, plan, lacking, wrong, _GO_ON)


def _kind(path: Path) -> str | None:
    try:
        return envelope_of(path).kind
    except (PrivxrayError, OSError):
        return None
