"""All that can be done next in a workspace, by facts alone.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from privxray.workflow.upkeep.advice.coordinator_advice import coordinator_advice
from privxray.workflow.upkeep.advice.hospital_advice import hospital_advice
from privxray.workflow.upkeep.advice.line import Advice
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workflow.upkeep.advice.trustee_advice import trustee_advice
from privxray.workspace.folder import Role

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
            f"an audit was begun and not finished; it goes on with: privxray audit {kind} --own",
            ("audit", kind, "--own"),
        )
    for one in situation.studies:
        if study in (None, one.round.study):
            yield from _BY_ROLE[situation.role](situation, one)
    if not situation.studies:
        yield from _before_any_study(situation)
    if study is None and situation.waiting:
        count = "a query waits" if situation.waiting == 1 else f"{situation.waiting} queries wait"
        yield Advice(f"{count} for an answer; when it comes: privxray infer read FILE")


def _before_any_study(situation: Situation) -> Iterator[Advice]:
    if situation.role == "coordinator":
        yield Advice("collect the hospitals' cards in cards/, then type: privxray plan cards/*.card")
    elif not situation.has_card:
        yield Advice("init was cut off before its card was written; type: privxray card", ("card",))
    elif situation.offers:
        yield Advice(
            "privxray infer ask IMAGE... asks about images; privxray infer read FILE reads an answer"
        )
    else:
        yield Advice(
            f"carry {situation.name}.card to the coordinator; when the plan comes: privxray join FILE"
        )
