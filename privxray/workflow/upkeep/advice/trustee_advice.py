"""What a trustee does next in a study.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.workflow.upkeep.advice.line import Advice, file_name, over_here
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workspace.transitions import RoundState


def trustee_advice(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    """What a trustee can do, by the state of its newest round."""
    name = f" of the study {study.round.study}" if len(situation.studies) > 1 else ""
    if study.refused and study.round.state is RoundState.JOINED:
        yield Advice(
            f"carry {file_name(situation, study, 'refusal')} to the coordinator; when the next plan{name} "
            f"comes: {situation.typed('accept FILE')}"
        )
    elif study.round.state is RoundState.JOINED and study.round.task == "agree":
        yield Advice(
            "nothing to do while the hospitals agree on secrets for their masks; when the next "
            f"plan{name} comes: {situation.typed('accept FILE')}"
        )
    elif study.round.state is RoundState.JOINED:
        yield Advice(f"when the coordinator's request{name} comes: {situation.typed('unmask FILE')}")
    elif study.round.state is RoundState.VOID:
        yield over_here(situation, study)
    else:
        then = f"when the next plan{name} comes"
        if study.last_stage:
            then = "nothing else is awaited from you; keep this workspace, and if another plan comes"
        yield Advice(
            f"carry {file_name(situation, study, 'share')} to the coordinator; {then}: "
            f"{situation.typed('accept FILE')}"
        )
