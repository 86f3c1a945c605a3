"""Gathering the facts of a workspace, without changing anything.

Tested in tests/cli/test_advice.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import replace

from privxray.errors import PrivxrayError
from privxray.exchange.messages.plan import PlanHeader
from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.formats.features import REPEATS_WITHOUT
from privxray.imaging.data_set.glance import FILE as DATA_SET
from privxray.imaging.data_set.glance import splits_in
from privxray.privacy import ledger_chain
from privxray.privacy.gaussian_fit import gaussian_fit
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.new_coordinator import awaited_coordinator, is_inherited, standing_vote
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.common.proof_file import proof_beside
from privxray.workflow.common.result_file import result_path
from privxray.workflow.hospital.counting.typed_epsilon import less_before
from privxray.workflow.hospital.open_round import left_out
from privxray.workflow.ledger.runs import attempt_of, charged_outside, default_epsilon, run_name
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session
from privxray.workspace.state import State
from privxray.workspace.state_tables.study_tables import Round
from privxray.workspace.transitions import RoundState

_CLEARLY = 0.9
_GAUSSIAN_METHOD = "linear-probe"
"""The method whose noise is Gaussian over all patients, by the name that plans give it."""


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
        candidacy=workspace.candidacy_path.exists(),
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
    hospital = session.role == "hospital"
    own = public_keys(workspace).fingerprint
    costs_more, possible = _costs(session, round_, plan)
    seen = StudySituation(
        round=round_,
        splits=_splits(workspace, round_.study) if hospital else frozenset(),
        last_stage=plan.next_place is None,
        next_task=plan.its_schedule[place.entry].task if (place := plan.next_place) else None,
        trustees=bool(plan.roster.trustees),
        keyholders=plan.roster.names(s.keyholder for s in committee.seats) if committee else (),
        threshold=committee.threshold if committee else 0,
        keyholder=committee is not None and committee.seat(own) is not None,
        answered=state.answer_of(round_.plan) is not None,
        repeatable=REPEATS_WITHOUT in plan.features,
        refused=state.refusal_of(round_.plan) is not None,
        left_out=hospital and left_out(session, round_),
        costs_more=costs_more,
        possible=possible,
        asked=plan.epsilon,
        coordinator=plan.coordinator_name,
        named=named.name if (named := awaited_coordinator(state, round_.study)) else "",
        voted=vote.name if named is None and (vote := standing_vote(state, round_, plan.sender)) else "",
        own_files=_own_files(workspace, round_),
    )
    return seen if session.role != "coordinator" else _with_what_came(session, seen, plan)


def _with_what_came(session: Session, seen: StudySituation, plan: PlanHeader) -> StudySituation:
    from privxray.workflow.upkeep.advice.collected import collected_files, for_the_next_plan

    seen = replace(
        seen,
        collected=collected_files(session, seen.round),
        inherited=is_inherited(session.workspace, seen.round),
    )
    if seen.round.state not in (RoundState.CLOSED, RoundState.VOID):
        return seen
    lacking, fresh = for_the_next_plan(session, plan, seen.round)
    return replace(seen, lacking=lacking, cards=fresh.words)


def _own_files(workspace: Workspace, round_: Round) -> dict[str, str]:
    root, updates = workspace.root, workspace.updates
    places = {"enc": updates, "agreement": updates, "share": root, "refusal": root}
    found = {k: place / workspace.own_file(round_.study, round_.number, k) for k, place in places.items()}
    found["proof"] = proof_beside(result_path(workspace, round_))
    return {kind: str(file.relative_to(workspace.root)) for kind, file in found.items() if file.exists()}


def _splits(workspace: Workspace, study: str) -> frozenset[str]:
    with suppress(sqlite3.Error):  # doctor says what is wrong with it
        return splits_in(workspace.data, study)
    return frozenset()


def _copies_unfinished(session: Session) -> bool:
    data = session.workspace.data
    if not data.is_dir() or all(path.name.startswith(DATA_SET) for path in data.iterdir()):
        return False
    from privxray.deid.cleaning.copies.manifest import FILE as MANIFEST
    from privxray.deid.cleaning.copies.manifest import Manifest  # with pydicom's tables

    if not (data / MANIFEST).exists():
        return False
    with Manifest(data, session.state.secret("manifest")) as manifest:
        return bool(manifest.unfinished())


def _costs(session: Session, round_: Round, plan: PlanHeader) -> tuple[bool, float | None]:
    """Whether the study has cost something before, and what the lifetime limit still allows of the plan's."""
    if session.role != "hospital" or round_.state is not RoundState.JOINED or round_.task == "agree":
        return False, None
    place = f"{session.workspace.ledger_path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=10)) as database:
            book = ledger_chain.read(database)
    except (PrivxrayError, sqlite3.Error):  # doctor says what is wrong with it
        return False, None
    if round_.task in COUNTED:
        begun = round_.epsilon is not None
        more = not begun and less_before(session, round_, plan) is not None
        return more, None if begun or _answer_fits(plan, book) else 0.0
    drawn = [run for run, (reached, _) in book.charges.items() if reached != "reserved"]
    before = charged_outside(session.state, drawn, round_)
    return before, None if round_.epsilon is not None else _possible(session.state, round_, plan, book)


def _answer_fits(plan: PlanHeader, book: ledger_chain.Book) -> bool:
    """Whether the one answer that a plan asks for fits the limit."""
    asked = Guarantee(plan.epsilon, plan.delta)
    fit = gaussian_fit(book, asked)
    if fit is not None:
        return fit.fits
    from privxray.workflow.common.study_cost import answer_events, answer_noise  # with numpy

    return book.admits(answer_events(answer_noise(asked)))


def _possible(state: State, round_: Round, plan: PlanHeader, book: ledger_chain.Book) -> float | None:
    """What a training has to be asked for, where the limit does not allow what it takes by itself."""
    if plan.method == _GAUSSIAN_METHOD:
        stages = attempt_of(state, round_)[:-1]
        before = [event for one in stages for event in book.events(one.study, run_name(state, one))]
        asked = Guarantee(default_epsilon(state, plan), plan.delta)
        fit = gaussian_fit(book, asked, before=before, rounds=plan.stages - plan.stage + 1)
        if fit is not None:
            return None if fit.fits else fit.possible
    elif not book.events() and _clearly_fits(plan, book.limit):
        return None
    # With numpy, a third of a second.
    from privxray.workflow.hospital.local_training.reserve_budget import possible_epsilon

    return possible_epsilon(state, round_, plan, book)


def _clearly_fits(plan: PlanHeader, limit: Guarantee) -> bool:
    """Whether a plan fits an unused limit with room to spare, whatever its noise."""
    return plan.epsilon <= _CLEARLY * limit.epsilon and plan.delta <= limit.delta
