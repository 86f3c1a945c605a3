"""What to do next: the one place that decides it, for ``status`` and for the closing line of every command.

:func:`advise` decides by a workspace's :class:`~privxray.workflow.upkeep.situation.Situation`, round by round
and role by role. :func:`closing_line` is what a command ends with: a sentence of its own where only the
command knows what it has just made, and otherwise what ``status`` would say first.

A piece of advice that can be typed as it stands says so in ``types``; a test types it and expects success.
What has to wait for a file says which file, and for whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from privxray.workflow.upkeep.situation import Situation, StudySituation
from privxray.workspace.transitions import RoundState

INGEST = "privxray ingest FOLDER --labels labels.csv"


@dataclass(frozen=True)
class Advice:
    """One line on what to do next.

    :param types: the words of the command in it that can be typed now, without ``privxray``; empty where
        something has to come or to be chosen first.
    """

    text: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """A command that has just ended well, and what only it knows.

    :param study: the study that it was about, where it was about one.
    :param file: the name of the file that it made and that has to be carried.
    :param to: the name of the party whom the file is for.
    :param left: how many images an owner still answers.
    :param options: further options that belong to the command that comes next.
    """

    command: str
    study: str | None = None
    file: str = ""
    to: str = ""
    left: int = 0
    options: str = ""


# Whatever the workspace's state, these commands end with what follows from what they have just made.
_AFTER: dict[str, str] = {
    "card": "carry {file} to the coordinator",
    "check": "look for text in the pixels: with privxray check FOLDER --ocr, and with your own eyes",
    "check --ocr": "look at some of the images yourself, for the search misses faint text",
    "deidentify": "privxray ingest DEST --labels {file}{options} (privxray check DEST{options} looks only)",
    "doctor": "privxray status",
    "help": "privxray help WORD explains one; privxray COMMAND --help lists a command's options",
    "demo": "look around: privxray -C {file} status, or budget; privxray inspect on any file above",
    "audit": "docs/AUDIT.md says what this can and can't show",
    "infer offer": "carry {file} to the hospital; when its query comes: privxray infer answer FILE",
    "infer ask": "carry {file} to {to}; when the answer comes: privxray infer read FILE",
    "infer answer": "carry {file} to {to}",
    "infer read": "to ask about further images ({left} are left): privxray infer ask IMAGE...",
}


def closing_line(done: Done, look: Callable[[], Situation | None]) -> str:
    """What a command ends with.

    :param look: gives the workspace's situation after the command; None where it was typed outside of one.
    """
    if done.command in _AFTER:
        text = _AFTER[done.command].format(**vars(done))
        if done.command.startswith("check") and _takes_images(look()):
            return f"{text}; then: {INGEST}"
        return text
    situation = look()
    found = advise(situation, done.study) if situation else ()
    return next((advice.text for advice in found), "privxray status")


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


def _takes_images(situation: Situation | None) -> bool:
    return situation is not None and situation.role == "hospital" and bool(situation.studies)


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


def _hospital(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    round_, option = study.round, _study_option(situation, study)
    carry = ""
    if study.keyholder and study.answered and round_.state is not RoundState.CLOSED:
        carry = f"carry {_file(situation, study, 'share')} to the coordinator; "
    if study.left_out:
        yield Advice(
            f"{carry}the sum of round {round_.number} is opened without this hospital; when the next plan "
            "comes: privxray accept FILE"
        )
        if round_.model is not None:
            yield Advice(f"privxray predict IMAGE...{option} uses the model that came of it")
        return
    match round_.state:
        case RoundState.JOINED:
            yield _untrained(situation, study, option)
        case RoundState.TRAINED:
            yield Advice(f"privxray export-update{option}", ("export-update", *option.split()))
        case RoundState.EXPORTED:
            carry = carry or f"carry {_file(situation, study, 'enc')} to the coordinator; "
            yield Advice(f"{carry}when the answer comes: privxray accept FILE")
        case _:
            yield from _finished(situation, study, option)
    if study.keyholder and not study.answered and round_.state is not RoundState.CLOSED:
        yield Advice(
            "this hospital is a keyholder: when the coordinator's request comes: privxray unmask FILE"
        )


def _untrained(situation: Situation, study: StudySituation, option: str) -> Advice:
    """A round that is joined: what has to be there before it is trained, and how it is."""
    if "train" not in situation.splits:
        return Advice(f"{INGEST}{option}; then: privxray train{option}")
    epsilon = study.round.epsilon
    if epsilon is not None:
        words = ("train", "--epsilon", _exact(epsilon), *option.split())
        return Advice(
            f"training was begun and not finished; it goes on with: privxray {' '.join(words)}", words
        )
    if study.costs_more:
        return Advice(
            "training again adds to what this study has cost already (privxray budget); say how much: "
            f"privxray train --epsilon E{option}"
        )
    return Advice(f"privxray train{option}", ("train", *option.split()))


def _finished(situation: Situation, study: StudySituation, option: str) -> Iterator[Advice]:
    """A round whose model is here."""
    if "val" in situation.splits:
        yield Advice(
            f"privxray predict IMAGE...{option} uses the global model; privxray evaluate{option} scores it",
            ("evaluate", *option.split()),
        )
    else:
        yield Advice(f"privxray predict IMAGE...{option} uses the global model")
    if not study.last_stage:
        yield Advice("when the study's next plan comes: privxray accept FILE")


def _trustee(situation: Situation, study: StudySituation) -> Iterator[Advice]:
    name = f" of the study {study.round.study}" if len(situation.studies) > 1 else ""
    if study.round.state is RoundState.JOINED:
        yield Advice(f"when the coordinator's request{name} comes: privxray unmask FILE")
    else:
        yield Advice(
            f"carry {_file(situation, study, 'share')} to the coordinator; when the next plan{name} comes: "
            "privxray accept FILE"
        )


def _coordinator(_: Situation, study: StudySituation) -> Iterator[Advice]:
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
            f"{_list(collected.awaited)} in updates/, then type: {typed}"
        )
    else:
        yield Advice(
            f"{_has(collected.come)} delivered; wait for {_list(collected.awaited)}, then type: {typed}"
        )
        if study.keyholders and collected.enough:
            words = (*aggregate, *(word for name in collected.awaited for word in ("--without", name)))
            yield Advice(
                f"or go on without {_list(collected.awaited)} for good: privxray {' '.join(words)}", words
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
            f"{_has(collected.come)} answered; wait for {lacking} more of {_list(collected.awaited)}, "
            f"then type: {typed}"
        )
    return Advice(
        f"carry {request} to {_list(study.keyholders)}, of whom {study.threshold} must answer; collect their "
        f"answers in shares/, then type: {typed}"
    )


def _closed(study: StudySituation) -> Advice:
    carry = f"carry models/global-{study.round.number:04d}.model to every hospital"
    if study.last_stage:
        return Advice(f"the study is complete: {carry}")
    if not study.lacking:
        return Advice(f"{carry}; for the next round type: privxray plan --continue", ("plan", "--continue"))
    return Advice(
        f"{carry}; for the next round ask {_list(study.lacking)} for fresh cards (privxray card), then type "
        "privxray plan CARDS --continue, or without one of them: privxray plan --continue --without NAME"
    )


def _unfit(folder: str, files: tuple[str, ...]) -> Advice:
    return Advice(
        f"take {_list(files)} out of {folder}/, for it does not fit this round; privxray aggregate "
        f"{folder}/{files[0]} says why"
    )


def _study_option(situation: Situation, study: StudySituation) -> str:
    return f" --study {study.round.study}" if len(situation.studies) > 1 else ""


def _file(situation: Situation, study: StudySituation, kind: str) -> str:
    return f"{situation.name}-{study.round.number:04d}.{kind}"


def _everybody(study: StudySituation) -> str:
    return "every hospital and trustee" if study.trustees else "every hospital"


def _has(names: tuple[str, ...]) -> str:
    return f"{_list(names)} {'has' if len(names) == 1 else 'have'}"


def _list(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _exact(number: float) -> str:
    """A number as a person would type it, and with all its digits where it has many."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


_BY_ROLE: dict[str, Callable[[Situation, StudySituation], Iterator[Advice]]] = {
    "hospital": _hospital,
    "coordinator": _coordinator,
    "trustee": _trustee,
}
