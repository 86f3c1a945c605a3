"""What a coordinator does next in its study.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.exchange.messages.plan_tasks import COUNTED
from privxray.workflow.upkeep.advice.line import Advice, listed
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workspace.transitions import RoundState


def coordinator_advice(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    """What a coordinator can do, by the state of the newest round and what came for it."""
    if study.inherited and not (study.last_stage and study.round.state is RoundState.CLOSED):
        taken = (
            f"this workspace took the study over after round {study.round.number}: carry the succession to"
        )
        yield _with_cards(situation, study, f"{taken} all (they type privxray join FILE); ")
        return
    match study.round.state:
        case RoundState.OPEN:
            yield from _updates_awaited(situation, study)
        case RoundState.REQUESTED:
            yield _keyholders_awaited(situation, study)
            collected = study.collected
            if study.repeatable and collected.come and not (collected.enough or collected.unfit):
                repeat = situation.typed("plan --repeat shares/*.share cards/*.card")
                yield Advice(f"or, if they can't answer, repeat the round with their fresh cards: {repeat}")
        case RoundState.VOID:
            restored = f"this workspace was restored, and round {study.round.number} is over in it: "
            yield _with_cards(situation, study, restored)
        case _:
            yield _closed(situation, study)


def _updates_awaited(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    collected, everybody = study.collected, _everybody(study)
    agrees = study.round.task == "agree"
    files, suffix = ("agreements", "agreement") if agrees else ("updates", "enc")
    folders = collected.folders or ("updates",)
    aggregate = ("aggregate", *(f"{folder}/*.{suffix}" for folder in folders))
    typed, updates = situation.typed(" ".join(aggregate)), f"{situation.path('updates')}/"
    plan = situation.path(f"plan-{study.round.number:04d}.plan")
    inside = study.round.stage > 1 or study.round.task == "evaluate"
    model = " (the model is inside)" if inside else ""
    if collected.unfit:
        yield _unfit(situation, collected.unfit_in or "updates", collected.unfit)
    elif not collected.awaited:
        here = listed(tuple(f"{situation.path(folder)}/" for folder in folders))
        yield Advice(f"all {files} are in {here}; type: {typed}", aggregate)
    elif not collected.come:
        yield Advice(
            f"carry {plan}{model} to {everybody}; collect the {files} of "
            f"{listed(collected.awaited)} in {updates}, then type: {typed}"
        )
    else:
        yield Advice(
            f"{_has(collected.come)} delivered; wait for {listed(collected.awaited)}, then type: {typed}"
        )
        if (study.keyholders or agrees) and collected.enough:
            words = (*aggregate, *(word for name in collected.awaited for word in ("--without", name)))
            go_on = situation.typed(" ".join(words))
            yield Advice(f"or go on without {listed(collected.awaited)} for good: {go_on}", words)


def _keyholders_awaited(situation: Situation, study: StudySituation) -> Advice:
    collected, request = study.collected, situation.path(f"round-{study.round.number:04d}.request")
    words = ("aggregate", *(f"{folder}/*.share" for folder in collected.folders or ("shares",)))
    typed = situation.typed(" ".join(words))
    if collected.unfit:
        return _unfit(situation, collected.unfit_in or "shares", collected.unfit)
    if collected.enough:
        return Advice(f"{_has(collected.come)} answered, and that is enough; type: {typed}", words)
    if collected.come:
        lacking = study.threshold - len(collected.come)
        return Advice(
            f"{_has(collected.come)} answered; wait for {lacking} more of {listed(collected.awaited)}, then "
            f"type: {typed}"
        )
    return Advice(
        f"carry {request} to {listed(study.keyholders)}, of whom {study.threshold} must answer; collect "
        f"their answers in {situation.path('shares')}/, then type: {typed}"
    )


def _closed(situation: Situation, study: StudySituation) -> Advice:
    name = f"models/global-{study.round.number:04d}.model"
    if study.round.task in COUNTED:
        name = f"round-{study.round.number:04d}.summary"
    files = [situation.path(name)]
    files += [situation.path(study.own_files["proof"])] if "proof" in study.own_files else []
    carry = f"carry {' and '.join(files)} to every hospital"
    go_on = situation.typed("plan --continue")
    if study.last_stage:
        return Advice(f"the study is complete: {carry}")
    if not study.lacking and study.round.task == "describe":
        report, words = situation.typed("report study"), ("plan", *study.cards, "--continue")
        return Advice(
            f"{carry}; look at the counts ({report}), and if the study is worth its budget type: "
            f"{situation.typed(' '.join(words))}",
            words,
        )
    aim = "to have all hospitals evaluate it" if study.next_task == "evaluate" else "for the next round"
    if not (study.lacking or study.cards):
        return Advice(f"{carry}; {aim} type: {go_on}", ("plan", "--continue"))
    advice = _with_cards(situation, study, f"{carry}; {aim} ")
    if not study.lacking:
        return advice
    return Advice(f"{advice.text}, or without one of them: {go_on} --without NAME")


def _with_cards(situation: Situation, study: StudySituation, before: str) -> Advice:
    """How the next plan is made with the fresh cards that lie here, and with those that are to come."""
    words = ("plan", *_cards(study), "--continue")
    typed = situation.typed(" ".join(words))
    if not study.lacking:
        return Advice(f"{before}type: {typed}", words)
    cards, put = ("a fresh card", "put it") if len(study.lacking) == 1 else ("fresh cards", "put them")
    return Advice(
        f"{before}ask {listed(study.lacking)} for {cards} (privxray card), {put} into "
        f"{situation.path('cards')}/, then type: {typed}"
    )


def _cards(study: StudySituation) -> tuple[str, ...]:
    """All cards of the next plan, as its command names them, once those that lack have come.

    Where a coordinator has planned before, old cards may lie beside the new ones, and the command would
    refuse them; so it names the new ones.
    """
    all_of_them, here = "cards/*.card", study.cards
    if not here and (study.inherited or study.round.state is RoundState.VOID):
        return (all_of_them,)
    if all_of_them in here:
        return here
    return (*here, *(f"cards/{name}.card" for name in study.lacking))


def _unfit(situation: Situation, folder: str, files: tuple[str, ...]) -> Advice:
    typed = situation.typed(f"aggregate {folder}/{files[0]}")
    return Advice(
        f"take {listed(files)} out of {situation.path(folder)}/, for it does not fit this round; {typed} "
        "says why"
    )


def _everybody(study: StudySituation) -> str:
    return "every hospital and trustee" if study.trustees else "every hospital"


def _has(names: tuple[str, ...]) -> str:
    return f"{listed(names)} {'has' if len(names) == 1 else 'have'}"
