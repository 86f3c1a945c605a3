"""What a hospital does next in a study.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.workflow.common.task_commands import COMMANDS
from privxray.workflow.upkeep.advice.line import INGEST, Advice, exact, file_name, over_here, study_option
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workspace.transitions import RoundState


def hospital_advice(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    """What a hospital can do, by the state of its newest round."""
    round_, option = study.round, study_option(situation, study)
    carry = _carry_as_keyholder(situation, study)
    if study.left_out:
        yield from _request_awaited(situation, study)
        then = "" if study.last_stage else f"; when the next plan comes: {situation.typed('accept FILE')}"
        yield Advice(f"{carry}the sum of round {round_.number} is opened without this hospital{then}")
        if round_.model is not None:
            typed = situation.typed(f"predict IMAGE...{option}")
            yield Advice(f"{typed} uses the model that came from it")
        return
    match round_.state:
        case RoundState.JOINED:
            yield (_untrained if round_.task == "train" else _uncounted)(situation, study, option)
        case RoundState.TRAINED:
            typed = situation.typed(f"export-update{option}")
            yield Advice(typed, ("export-update", *option.split()))
        case RoundState.AGREED:
            carry = f"carry {file_name(situation, study, 'agreement')} to the coordinator; "
            yield Advice(f"{carry}when the next plan comes: {situation.typed('accept FILE')}")
            return
        case RoundState.EXPORTED:
            carry = carry or f"carry {file_name(situation, study, 'enc')} to the coordinator; "
            yield Advice(f"{carry}when the answer comes: {situation.typed('accept FILE')}")
        case RoundState.VOID:
            yield over_here(situation, study)
            return
        case _ if round_.lacks_result:
            yield _delivered_before_a_restore(situation, study)
        case _:
            yield from _finished(situation, study, option)
    yield from _request_awaited(situation, study)


def _request_awaited(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    """What a keyholder waits for that has neither answered nor refused."""
    waits = study.keyholder and not (study.answered or study.refused)
    if waits and study.round.state is not RoundState.CLOSED and study.round.model is None:
        yield Advice(
            "this hospital is a keyholder: when the coordinator's request comes: "
            f"{situation.typed('unmask FILE')}"
        )


def _carry_as_keyholder(situation: Situation, study: StudySituation) -> str:
    """What a keyholder has made in the round, and has yet to carry; empty where that is nothing."""
    if not study.keyholder or study.round.state is RoundState.CLOSED:
        return ""
    kind = "share" if study.answered else "refusal" if study.refused else ""
    return f"carry {file_name(situation, study, kind)} to the coordinator; " if kind else ""


def _untrained(situation: Situation, study: StudySituation, option: str) -> Advice:
    """A round that is joined: what has to be there before it is trained, and how it is."""
    if study.possible == 0:
        return Advice(
            f"nothing is left of this hospital's privacy budget ({situation.typed('budget')}), so it can't "
            "train for this round; tell the coordinator"
        )
    if "train" not in study.splits:
        train = situation.typed(f"train{option}")
        return Advice(f"{situation.typed(INGEST)}{option}; then: {train}")
    epsilon = study.round.epsilon
    if epsilon is not None:
        words = ("train", "--epsilon", exact(epsilon), *option.split())
        return Advice(
            "training was begun and not finished; it goes on with: " + situation.typed(" ".join(words)), words
        )
    if study.costs_more:
        most = "" if study.possible is None else f", at most {exact(study.possible)}"
        return Advice(
            f"training again adds to what this study has cost already (privxray budget); say how much{most}: "
            + situation.typed(f"train --epsilon E{option}")
        )
    if study.possible is not None:
        words = ("train", "--epsilon", exact(study.possible), *option.split())
        return Advice(
            "the lifetime limit leaves this study less than its plan asks for (privxray budget); the most "
            f"that is possible: {situation.typed(' '.join(words))}",
            words,
        )
    return Advice(situation.typed(f"train{option}"), ("train", *option.split()))


def _uncounted(situation: Situation, study: StudySituation, option: str) -> Advice:
    """A round that is joined and only counts patients."""
    if study.possible == 0:
        return Advice(
            "this hospital's privacy budget leaves less than the plan asks for "
            f"({situation.typed('budget')}), so it can't take part in this round; tell the coordinator"
        )
    epsilon = ("--epsilon", exact(study.asked)) if study.costs_more else ()
    words = (*COMMANDS[study.round.task].split(), *epsilon, *option.split())
    typed = situation.typed(" ".join(words))
    if not study.splits:
        return Advice(f"{situation.typed(INGEST)}{option}; then: {typed}")
    if study.costs_more:
        return Advice(
            f"this costs more than an earlier plan of the study asked for ({situation.typed('budget')}); if "
            f"that is fine: {typed}",
            words,
        )
    return Advice(typed, words)


def _delivered_before_a_restore(situation: Situation, study: StudySituation) -> Advice:
    """A round whose update has left, of a workspace that was restored since: its later keys are gone."""
    card = situation.path(f"{situation.name}.card")
    carry = "" if study.last_stage else f"carry {card} to the coordinator for the next round; "
    return Advice(
        f"this workspace was restored after its update of round {study.round.number} had left: {carry}when "
        f"the answer comes: {situation.typed('accept FILE')}"
    )


def _finished(situation: Situation, study: StudySituation, option: str) -> Iterator[Advice]:
    """A round whose model or summary is here."""
    then = "" if study.last_stage else f"when the study's next plan comes: {situation.typed('accept FILE')}"
    if study.round.task in ("describe", "agree"):
        if then:
            yield Advice(then)
        return
    until = f"{then}; until then, " if then else ""
    uses = f"{until}{situation.typed(f'predict IMAGE...{option}')} uses the global model"
    if "val" in study.splits:
        evaluate = situation.typed(f"evaluate{option}")
        yield Advice(f"{uses}; {evaluate} scores it", ("evaluate", *option.split()))
    else:
        yield Advice(uses)
