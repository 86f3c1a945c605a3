"""One line of advice, and the words that several of them are made of.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from privxray.workflow.upkeep.advice.situation import Situation, StudySituation

INGEST = "ingest FOLDER --labels labels.csv"


@dataclass(frozen=True)
class Advice:
    """One line on what to do next.

    A test types what is in ``types`` and expects success. What has to wait for a file says which file.

    :param types: the words of the command in it that can be typed now, without ``privxray``; empty where
        something has to come or to be chosen first.
    """

    text: str
    types: tuple[str, ...] = ()


def study_option(situation: Situation, study: StudySituation) -> str:
    """The option that names the study, where several are joined."""
    return f" --study {study.round.study}" if len(situation.studies) > 1 else ""


def file_name(situation: Situation, study: StudySituation, kind: str) -> str:
    """A party's own file of a round, as seen from where the person stands; by name alone if it isn't here."""
    found = study.own_files.get(kind, "")
    name = f"{situation.name}-{study.round.study}-{study.round.number:04d}.{kind}"
    return situation.path(found) if found else name


def listed(names: tuple[str, ...]) -> str:
    """Names as they are read out: ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def exact(number: float) -> str:
    """A number as a person would type it, and with all its digits where it has many."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def new_coordinator(situation: Situation, study: StudySituation) -> Advice:
    """What a party does whose study has another coordinator, whose plan has not come yet."""
    return Advice(
        f"{study.named} coordinates the study {study.round.study} from now on, and a round that the "
        f"one before had open is void: type {situation.typed('card')}, carry the card to {study.named}; when "
        "its plan comes: "
        f"{situation.typed('join FILE')}",
        ("card",),
    )


def over_here(situation: Situation, study: StudySituation) -> Advice:
    """What a hospital or a trustee does whose newest round ended with a backup: it needs another plan."""
    return Advice(
        f"this workspace was restored, and round {study.round.number} is over in it: type "
        f"{situation.typed('card')}, carry the card to the coordinator, and wait for the next plan",
        ("card",),
    )
