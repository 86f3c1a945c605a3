"""Whom a study waits for now, by name, and what for.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workspace.transitions import RoundState


@dataclass(frozen=True)
class Awaited:
    """Who is to act next in a study.

    :param names: of the parties; empty where nobody is awaited.
    :param what: what of them, in words; empty likewise.
    :param here: this workspace is to act.
    """

    names: tuple[str, ...] = ()
    what: str = ""
    here: bool = False

    def __str__(self) -> str:
        """In words: ``hospital-b, hospital-c: their updates``."""
        if not self.names:
            return "nobody"
        names = "this workspace" if self.here else ", ".join(self.names)
        return f"{names}: {self.what}"


NOBODY = Awaited()


def awaited(situation: Situation, study: StudySituation) -> Awaited:
    """Whom the newest round of a study waits for, as far as this workspace can tell."""
    if situation.role == "coordinator":
        return _at_coordinator(situation, study)
    if study.round.state is RoundState.VOID:
        return Awaited((situation.name,), "a fresh card", here=True)
    if situation.role == "trustee":
        if study.round.state is RoundState.ANSWERED and study.last_stage:
            return NOBODY
        asked = study.round.state is RoundState.JOINED and study.round.task != "agree"
        return Awaited((study.coordinator,), "the request" if asked else "the next plan")
    return _at_hospital(situation, study)


def _at_hospital(situation: Situation, study: StudySituation) -> Awaited:
    own = (situation.name,)
    if study.left_out:
        return NOBODY if study.last_stage else Awaited((study.coordinator,), "the next plan")
    match study.round.state:
        case RoundState.JOINED if study.possible == 0:
            return Awaited(
                (study.coordinator,), "another plan; tell it that nothing is left of the budget here"
            )
        case RoundState.JOINED:
            return Awaited(own, _work(study), here=True)
        case RoundState.TRAINED:
            return Awaited(own, "the update", here=True)
        case RoundState.EXPORTED | RoundState.CLOSED if study.round.lacks_result:
            return Awaited(
                (study.coordinator,), "the model" if study.round.task == "train" else "the summary"
            )
        case _:
            return NOBODY if study.last_stage else Awaited((study.coordinator,), "the next plan")


def _work(study: StudySituation) -> str:
    """What a hospital has to do in a round that it has joined."""
    if study.round.task == "train":
        return "the training" if "train" in study.splits else "the images"
    return "the counts" if study.splits else "the images"


def _at_coordinator(situation: Situation, study: StudySituation) -> Awaited:
    own, collected, state = (situation.name,), study.collected, study.round.state
    open_, requested = state is RoundState.OPEN, state is RoundState.REQUESTED
    agrees = study.round.task == "agree"
    if (open_ and not collected.awaited) or (requested and collected.enough):
        return Awaited(own, "the next plan" if agrees else "the sum", here=True)
    if open_:
        file = "agreement" if agrees else "update"
        return Awaited(collected.awaited, f"the {file}" if len(collected.awaited) == 1 else f"their {file}s")
    if requested:
        lacking = study.threshold - len(collected.come)
        return Awaited(collected.awaited, f"{lacking} more answer{'' if lacking == 1 else 's'} as keyholders")
    if study.last_stage and state is not RoundState.VOID:
        return NOBODY
    if study.lacking:
        return Awaited(study.lacking, "a fresh card" if len(study.lacking) == 1 else "fresh cards")
    return Awaited(own, "the next plan", here=True)
