"""Gathering the facts of a workspace, without changing anything.

Tested in tests/cli/test_advice.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from privxray.deid.cleaning.copies.manifest import FILE as MANIFEST
from privxray.deid.cleaning.copies.manifest import Manifest
from privxray.errors import PrivxrayError
from privxray.exchange.admission.cohort import Cohort
from privxray.exchange.intake import envelope_of, read_again
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.request import SignedRequest
from privxray.formats.container import Envelope
from privxray.formats.header import Body, Fingerprint
from privxray.imaging.glance import splits_in
from privxray.keys.mask_statement import MaskStatement
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.privacy import ledger_chain
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.proof_file import proof_beside
from privxray.workflow.coordinator.collected_files import newest_collected, request_copy
from privxray.workflow.coordinator.next_parties import NextKeys, lacking_next_keys
from privxray.workflow.hospital.open_round import left_out
from privxray.workflow.ledger.runs import charged_outside
from privxray.workflow.upkeep.advice.situation import CollectedFiles, Situation, StudySituation
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.study_tables import Round
from privxray.workspace.transitions import RoundState

_CLEARLY = 0.9


def look(session: Session, place: str = "") -> Situation:
    """Gather the facts of a workspace, also of one that a crash left in the middle of something.

    :param place: the way from where a person stands to the workspace; empty where they stand in it.
    """
    workspace, state = session.workspace, session.state
    names = [workspace.own_study] if session.role == "coordinator" else state.studies()
    newest = [round_ for name in names if (round_ := state.last_round(name))]
    hospital = session.role == "hospital"
    return Situation(
        role=session.role,
        name=session.name,
        has_card=workspace.card_path.exists(),
        copies_unfinished=hospital and _copies_unfinished(session),
        audits=tuple(folder.stem for folder in sorted(workspace.audits.glob("*.running"))),
        offers=bool(state.offers()),
        waiting=sum(not row.answered for row in state.asked()),
        studies=tuple(_study(session, round_) for round_ in newest),
        place=place,
    )


def _study(session: Session, round_: Round) -> StudySituation:
    workspace, state = session.workspace, session.state
    plan = load_plan(workspace, round_)
    committee = plan.committee
    coordinator, hospital = session.role == "coordinator", session.role == "hospital"
    own = public_keys(workspace).fingerprint
    costs_more, possible = _costs(session, round_, plan)
    return StudySituation(
        round=round_,
        splits=_splits(workspace, round_.study) if hospital else frozenset(),
        last_stage=plan.next_place is None,
        trustees=bool(plan.roster.trustees),
        keyholders=_names(plan, [seat.keyholder for seat in committee.seats]) if committee else (),
        threshold=committee.threshold if committee else 0,
        keyholder=committee is not None and committee.seat(own) is not None,
        answered=state.answer_of(round_.plan) is not None,
        left_out=hospital and left_out(session, round_),
        costs_more=costs_more,
        possible=possible,
        collected=_collected(session, round_) if coordinator else CollectedFiles(),
        lacking=_lacking(state, plan, round_) if coordinator and round_.state is RoundState.CLOSED else (),
        own_files=_own_files(workspace, round_),
    )


def _own_files(workspace: Workspace, round_: Round) -> dict[str, str]:
    places = {"enc": workspace.updates, "share": workspace.root}
    found = {k: place / workspace.own_file(round_.study, round_.number, k) for k, place in places.items()}
    found["proof"] = proof_beside(workspace.models / f"global-{round_.number:04d}.model")
    return {kind: str(file.relative_to(workspace.root)) for kind, file in found.items() if file.exists()}


def _splits(workspace: Workspace, study: str) -> frozenset[str]:
    with suppress(sqlite3.Error):  # doctor says what is wrong with it
        return splits_in(workspace.data, study)
    return frozenset()


def _copies_unfinished(session: Session) -> bool:
    data = session.workspace.data
    if not (data / MANIFEST).exists():
        return False
    with Manifest(data, session.state.secret("manifest")) as manifest:
        return bool(manifest.unfinished())


def _costs(session: Session, round_: Round, plan: PlanHeader) -> tuple[bool, float | None]:
    """Whether the study has cost something before, and what the lifetime limit still allows of the plan's."""
    if (session.role, round_.state, round_.task) != ("hospital", RoundState.JOINED, "train"):
        return False, None
    place = f"{session.workspace.ledger_path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=10)) as database:
            book = ledger_chain.read(database)
    except (PrivxrayError, sqlite3.Error):  # doctor says what is wrong with it
        return False, None
    drawn = [run for run, (reached, _) in book.charges.items() if reached != "reserved"]
    before = charged_outside(session.state, drawn, round_)
    if round_.epsilon is not None or _plainly_fits(plan, book):
        return before, None
    from privxray.workflow.hospital.reserve_budget import possible_epsilon  # with numpy, a third of a second

    return before, possible_epsilon(session.state, round_, plan, book)


def _plainly_fits(plan: PlanHeader, book: ledger_chain.Book) -> bool:
    """Whether a plan fits without a look at mechanisms: nothing is charged, and it asks for clearly less."""
    limit = book.limit
    return not book.charges and plan.epsilon <= _CLEARLY * limit.epsilon and plan.delta <= limit.delta


def _collected(session: Session, round_: Round) -> CollectedFiles:
    """What lies there, judged by the rules of :class:`Cohort`; no body is read, for it may be large."""
    if not round_.state.awaits_files:
        return CollectedFiles()
    cohort = newest_collected(session).cohort
    if round_.state is RoundState.OPEN:
        unfit = _offer(cohort, sorted(session.workspace.updates.glob("*.enc")))
        come = _names(cohort.plan, cohort.updates)
        awaited = tuple(member.name for member in cohort.missing)
        least = len(cohort.plan.roster.members)
        if cohort.plan.committee is not None:
            least = cohort.plan.committee.minimum_cohort
        return CollectedFiles(come, awaited, unfit, len(come) >= least)
    folder = session.workspace.round_folder(round_.study, round_.number)
    request = read_again(request_copy(folder)).envelope
    cohort.set_request(SignedRequest.claimed(request))
    unfit = _offer(cohort, sorted((session.root / "shares").glob("*.share")))
    answered = {one.header.sender for one in cohort.answers.values()}
    seats = cohort.plan.committee.seats if cohort.plan.committee else ()
    awaited = _names(cohort.plan, [seat.keyholder for seat in seats if seat.keyholder not in answered])
    return CollectedFiles(_names(cohort.plan, answered), awaited, unfit, not cohort.answers_lacking)


def _offer(cohort: Cohort, files: Iterable[Path]) -> tuple[str, ...]:
    """Offer the headers of files; the names of those that are refused."""
    unfit = []
    for path in files:
        try:
            envelope = envelope_of(path)
            take = cohort.take_share if envelope.kind == "share" else cohort.take_update
            take(envelope, partial(_by_its_header, envelope))
        except (PrivxrayError, OSError):
            unfit.append(path.name)
    return tuple(unfit)


def _by_its_header(envelope: Envelope, _: Body) -> str:
    """Stands for the body's check: the body is looked at when the file is taken in."""
    return envelope.digest


def _lacking(state: State, plan: PlanHeader, round_: Round) -> tuple[str, ...]:
    if plan.next_place is None:
        return ()
    masks = state.next_keys(round_.plan, MaskStatement)
    keys = NextKeys(masks, state.next_keys(round_.plan, UnsealingStatement))
    return tuple(lacking_next_keys(plan, keys))


def _names(plan: PlanHeader, fingerprints: Iterable[Fingerprint]) -> tuple[str, ...]:
    wanted = set(fingerprints)
    return tuple(party.name for party in plan.roster.parties if party.keys.fingerprint in wanted)
