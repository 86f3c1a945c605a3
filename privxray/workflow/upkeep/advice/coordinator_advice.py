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
        yield Advice(
            f"this workspace took the study over after round {study.round.number}: carry the succession to "
            "all (they type privxray join FILE), ask every party for a fresh card (privxray card), then "
            f"type {situation.typed('plan CARDS --continue')}"
        )
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
            go_on = situation.typed("plan CARDS --continue")
            yield Advice(
                f"this workspace was restored, and round {study.round.number} is over in it: ask every party "
                f"for a fresh card (privxray card), then type {go_on}"
            )
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
        report = situation.typed("report study")
        return Advice(
            f"{carry}; look at the counts ({report}), and if the study is worth its budget type: {go_on}",
            ("plan", "--continue"),
        )
    if not study.lacking:
        aim = "to have all hospitals evaluate it" if study.next_task == "evaluate" else "for the next round"
        return Advice(f"{carry}; {aim} type: {go_on}", ("plan", "--continue"))
    return Advice(
        f"{carry}; for the next round ask {listed(study.lacking)} for fresh cards (privxray card), then type "
        f"{situation.typed('plan CARDS --continue')}, or without one of them: {go_on} --without NAME"
    )


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
