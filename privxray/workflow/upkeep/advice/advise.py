"""All that can be done next in a workspace, by facts alone.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from privxray.workflow.upkeep.advice.coordinator_advice import coordinator_advice
from privxray.workflow.upkeep.advice.hospital_advice import hospital_advice
from privxray.workflow.upkeep.advice.line import Advice, new_coordinator
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workflow.upkeep.advice.trustee_advice import trustee_advice
from privxray.workspace.config import Role

_BY_ROLE: dict[Role, Callable[[Situation, StudySituation], Iterator[Advice]]] = {
    "hospital": hospital_advice,
    "coordinator": coordinator_advice,
    "trustee": trustee_advice,
}


def advise(situation: Situation, study: str | None = None) -> Iterator[Advice]:
    """All that can be done next in a workspace, the most pressing first.

    :param study: tell of this study only.
    """
    if study is None and situation.copies_unfinished:
        yield Advice("a de-identification was cut off; type the same privxray deidentify command again")
    for kind in situation.audits if study is None else ():
        yield Advice(
            f"an audit was begun and not finished; it goes on with: {situation.typed(f'audit {kind} --own')}",
            ("audit", kind, "--own"),
        )
    for one in situation.studies:
        if study in (None, one.round.study):
            yield from _in_study(situation, one)
    if study is None and situation.waiting:
        count = "a query waits" if situation.waiting == 1 else f"{situation.waiting} queries wait"
        yield Advice(f"{count} for an answer; when it comes: {situation.typed('infer read FILE')}")
    if not situation.studies:
        yield from _before_any_study(situation)


def _in_study(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    if study.named:
        yield new_coordinator(situation, study)
        return
    if study.voted:
        yield Advice(
            f"this hospital voted for {study.voted} as coordinator of {study.round.study}: carry the vote "
            f"there; when the succession comes: {situation.typed('join FILE')}"
        )
    yield from _BY_ROLE[situation.role](situation, study)


def _before_any_study(situation: Situation) -> Iterator[Advice]:
    if situation.candidacy:
        succeed = situation.typed("succeed PLAN FILE --votes FOLDER")
        yield Advice(
            f"carry {situation.path(f'{situation.name}.candidacy')} to the hospitals (they type privxray "
            f"vote FILE); collect enough votes in a folder, then type: {succeed}"
        )
    elif situation.role == "coordinator":
        yield Advice(
            f"collect the hospitals' cards in {situation.path('cards')}/, then type: "
            f"{situation.typed('plan cards/*.card')}"
        )
    elif not situation.has_card:
        typed = situation.typed("card")
        yield Advice(f"init was cut off before its card was written; type: {typed}", ("card",))
    elif situation.offers:
        yield Advice(
            f"{situation.typed('infer ask IMAGE...')} asks about images; "
            f"{situation.typed('infer read FILE')} reads an answer"
        )
    else:
        card, join = situation.path(f"{situation.name}.card"), situation.typed("join FILE")
        study = f"carry {card} to the coordinator; when the plan comes: {join}"
        if situation.role == "hospital":
            ask = situation.typed("infer ask IMAGE... --offer FILE")
            yield Advice(f"for a study, {study}. To ask only what another party's model says: {ask}")
        else:
            yield Advice(study)
