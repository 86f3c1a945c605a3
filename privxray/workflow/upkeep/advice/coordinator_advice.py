"""What a coordinator does next in its study.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from privxray.workflow.upkeep.advice.line import Advice, listed
from privxray.workflow.upkeep.advice.situation import Situation, StudySituation
from privxray.workspace.transitions import RoundState


def coordinator_advice(_: Situation, study: StudySituation) -> Iterator[Advice]:
    """What a coordinator can do, by the state of the newest round and what came for it."""
    match study.round.state:
        case RoundState.OPEN:
            yield from _updates_awaited(study)
        case RoundState.REQUESTED:
            yield _keyholders_awaited(study)
        case _:
            yield _closed(study)


def _updates_awaited(study: StudySituation) -> Iterator[Advice]:
    collected, everybody = study.collected, _everybody(study)
    aggregate = ("aggregate", "updates/*.enc")
    typed = f"privxray {' '.join(aggregate)}"
    model = " (the model is inside)" if study.round.stage > 1 else ""
    if collected.unfit:
        yield _unfit("updates", collected.unfit)
    elif not collected.awaited:
        yield Advice(f"all updates are in updates/; type: {typed}", aggregate)
    elif not collected.come:
        yield Advice(
            f"carry plan-{study.round.number:04d}.plan{model} to {everybody}; collect the updates of "
            f"{listed(collected.awaited)} in updates/, then type: {typed}"
        )
    else:
        yield Advice(
            f"{_has(collected.come)} delivered; wait for {listed(collected.awaited)}, then type: {typed}"
        )
        if study.keyholders and collected.enough:
            words = (*aggregate, *(word for name in collected.awaited for word in ("--without", name)))
            yield Advice(
                f"or go on without {listed(collected.awaited)} for good: privxray {' '.join(words)}", words
            )


def _keyholders_awaited(study: StudySituation) -> Advice:
    collected, request = study.collected, f"round-{study.round.number:04d}.request"
    words = ("aggregate", "shares/*.share")
    typed = f"privxray {' '.join(words)}"
    if collected.unfit:
        return _unfit("shares", collected.unfit)
    if collected.enough:
        return Advice(f"{_has(collected.come)} answered, and that is enough; type: {typed}", words)
    if collected.come:
        lacking = study.threshold - len(collected.come)
        return Advice(
            f"{_has(collected.come)} answered; wait for {lacking} more of {listed(collected.awaited)}, "
            f"then type: {typed}"
        )
    return Advice(
        f"carry {request} to {listed(study.keyholders)}, of whom {study.threshold} must answer; collect "
        f"their answers in shares/, then type: {typed}"
    )


def _closed(study: StudySituation) -> Advice:
    carry = f"carry models/global-{study.round.number:04d}.model to every hospital"
    if study.last_stage:
        return Advice(f"the study is complete: {carry}")
    if not study.lacking:
        return Advice(f"{carry}; for the next round type: privxray plan --continue", ("plan", "--continue"))
    return Advice(
        f"{carry}; for the next round ask {listed(study.lacking)} for fresh cards (privxray card), then type "
        "privxray plan CARDS --continue, or without one of them: privxray plan --continue --without NAME"
    )


def _unfit(folder: str, files: tuple[str, ...]) -> Advice:
    return Advice(
        f"take {listed(files)} out of {folder}/, for it does not fit this round; privxray aggregate "
        f"{folder}/{files[0]} says why"
    )


def _everybody(study: StudySituation) -> str:
    return "every hospital and trustee" if study.trustees else "every hospital"


def _has(names: tuple[str, ...]) -> str:
    return f"{listed(names)} {'has' if len(names) == 1 else 'have'}"
