"""What lies at a coordinator for its round, by the rules of admission and without a body's being read.

Only a coordinator's ``status`` imports this: the rules of admission take a tenth of its time to load.

Tested in tests/cli/test_advice.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.admission.cohort import Cohort, Verdict
from privxray.exchange.intake import envelope_of, read_again
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.request import SignedRequest
from privxray.formats.container import Envelope
from privxray.formats.header import Body
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.roster import MIN_HOSPITALS
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.coordinator.collected_files import newest_collected, request_copy
from privxray.workflow.coordinator.planning.next_parties import NextKeys, lacking_next_keys
from privxray.workflow.upkeep.advice.fresh_cards import FreshCards, fresh_cards
from privxray.workflow.upkeep.advice.situation import CollectedFile, CollectedFiles
from privxray.workspace.drop_folder import dropped
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

Take = Callable[[Envelope], object]
"""Offers a file by its header to the rules of its round; raises what it is refused with.

It gives a :class:`~privxray.exchange.admission.cohort.Verdict` where not every good file is taken."""

_Fitting = tuple[Path, Envelope]

_MOST_DROPPED = 1000
"""Files of one kind in the drop folder that are looked at; anybody may put files there."""


def collected_files(session: Session, round_: Round) -> CollectedFiles:
    """What lies there, judged by the rules of :class:`Cohort`; no body is read, for it may be large."""
    if not round_.state.awaits_files:
        return CollectedFiles()
    cohort = newest_collected(session).cohort
    if cohort.plan.its_task == "agree":
        from privxray.exchange.admission.admit_agreement import Agreements

        agreements = Agreements(cohort.signed)
        found = _offered(agreements.take, session, "updates", "agreement")
        awaited = tuple(member.name for member in agreements.missing)
        come = cohort.plan.roster.names(agreements.taken)
        return replace(found, come=come, awaited=awaited, enough=len(come) >= MIN_HOSPITALS)
    take = partial(_take, cohort)
    if round_.state is RoundState.OPEN:
        found = _offered(take, session, "updates", "enc")
        come = cohort.plan.roster.names(cohort.updates)
        awaited = tuple(member.name for member in cohort.missing)
        least = len(cohort.plan.roster.members)
        if cohort.plan.committee is not None:
            least = cohort.plan.committee.minimum_cohort
        return replace(found, come=come, awaited=awaited, enough=len(come) >= least)
    folder = session.workspace.round_folder(round_.study, round_.number)
    request = read_again(request_copy(folder)).envelope
    cohort.set_request(SignedRequest.claimed(request))
    found = _offered(take, session, "shares", "share")
    answered = {one.header.sender for one in cohort.answers.values()}
    seats = cohort.plan.committee.seats if cohort.plan.committee else ()
    awaited = cohort.plan.roster.names({seat.keyholder for seat in seats} - answered)
    come = cohort.plan.roster.names(answered)
    return replace(found, come=come, awaited=awaited, enough=not cohort.answers_lacking)


def _offered(take: Take, session: Session, usual: str, suffix: str) -> CollectedFiles:
    """Offer the headers of what lies in the usual folder and in the drop folder.

    :returns: where files lie, and which are refused.
    """
    drop = session.workspace.incoming
    folders = {
        usual: sorted((session.root / usual).glob(f"*.{suffix}")),
        drop.name: [one.path for one in dropped(drop, (suffix,), _MOST_DROPPED).files],
    }
    fitting: list[_Fitting] = []
    for name, files in folders.items():
        unfit = _offer(take, files, fitting)
        if unfit:
            return CollectedFiles(unfit=unfit, unfit_in=name, fitting=_told(session, fitting))
    # A folder that has files of rounds that are over, and no others, is nothing to type.
    full = tuple(name for name in folders if any(path.parent.name == name for path, _ in fitting))
    return CollectedFiles(folders=full, fitting=_told(session, fitting))


def _told(session: Session, fitting: Iterable[_Fitting]) -> tuple[CollectedFile, ...]:
    plans = [load_plan(session.workspace, one) for one in session.state.rounds()[-1:]]
    names = {party.keys.fingerprint: party.name for plan in plans for party in plan.roster.parties}
    return tuple(
        CollectedFile(path.parent.name, path.name, envelope.kind, names.get(envelope.key_id, ""))
        for path, envelope in fitting
    )


def _take(cohort: Cohort, envelope: Envelope) -> Verdict:
    """Offer an update or a share file to a round."""
    take = cohort.take_share if envelope.kind == "share" else cohort.take_update
    return take(envelope, partial(_by_its_header, envelope))


def _offer(take: Take, files: Iterable[Path], fitting: list[_Fitting]) -> tuple[str, ...]:
    """Offer the headers of files, and note those that fit; the names of those that are refused."""
    unfit = []
    for path in files:
        try:
            envelope = envelope_of(path)
            if take(envelope) not in (Verdict.OVER, Verdict.LATE):
                fitting.append((path, envelope))
        except (PrivxrayError, OSError):
            unfit.append(path.name)
    return tuple(unfit)


def _by_its_header(envelope: Envelope, _: Body) -> str:
    """Stands for the body's check: the body is looked at when the file is taken in."""
    return envelope.digest


def for_the_next_plan(
    session: Session, plan: PlanHeader, round_: Round
) -> tuple[tuple[str, ...], FreshCards]:
    """The parties whose keys for a further plan are not here, by name, and the cards that lie here for it.

    No party lacks any after the last round of a study.
    """
    if plan.next_place is None and round_.state is RoundState.CLOSED:
        return (), FreshCards((), ())
    state, fresh = session.state, fresh_cards(session)
    masks = state.next_keys(round_.plan, MaskStatement)
    keys = NextKeys(masks, state.next_keys(round_.plan, UnsealingStatement)).with_cards(fresh.cards)
    return tuple(lacking_next_keys(plan, keys)), fresh
