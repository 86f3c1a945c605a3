"""What a command ends with.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.line import INGEST
from privxray.workflow.upkeep.advice.situation import Situation


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


def _takes_images(situation: Situation | None) -> bool:
    return situation is not None and situation.role == "hospital" and bool(situation.studies)
