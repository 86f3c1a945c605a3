"""What a command ends with.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from privxray.workflow.upkeep.advice.advise import advise
from privxray.workflow.upkeep.advice.line import INGEST
from privxray.workflow.upkeep.advice.situation import Situation, typed

_Typed = Callable[[str], str]


@dataclass(frozen=True)
class Done:
    """A command that has just ended well, and what only it knows.

    :param study: the study that it was about, where it was about one.
    :param file: the file that it made: one to carry as it is seen from where the person stands, one for the
        next command as that command has to name it.
    :param folder: likewise, a folder that it made.
    :param to: the name of the party whom the file is for.
    :param left: how many images an owner still answers.
    :param options: further options that belong to the command that comes next.
    :param place: the way from where the person stands to where the next command's files are seen from; empty
        for here.
    """

    command: str
    study: str | None = None
    file: str = ""
    folder: str = ""
    to: str = ""
    left: int = 0
    options: str = ""
    place: str = ""


# Whatever the workspace's state, these commands end with what follows from what they have just made.
_AFTER: dict[str, Callable[[Done, _Typed], str]] = {
    "card": lambda done, _: f"carry {done.file} to the coordinator",
    "check": lambda _, typed: (
        f"look for text in the pixels: with {typed('check FOLDER --ocr')}, and with your own eyes"
    ),
    "check --ocr": lambda *_: "look at some of the images yourself, for the search misses faint text",
    "check key": lambda *_: (
        "on each machine: privxray check terms FOLDER --shard I/N --key-file FILE --out terms-I.part"
    ),
    "check terms": lambda *_: (
        "when all shards are done: privxray check terms --merge terms-*.part --key-file FILE --out all.terms"
    ),
    "check terms --merge": lambda *_: (
        "on each machine: privxray check FOLDER --shard I/N --terms all.terms --key-file FILE --out "
        "part-I.result"
    ),
    "check --shard": lambda *_: (
        "when all shards are done: privxray check --merge part-*.result --key-file FILE --report check.html"
    ),
    "deidentify key": lambda *_: (
        "on each machine: privxray deidentify terms SOURCE --shard I/N --key-file FILE --out terms-I.part"
    ),
    "deidentify terms": lambda *_: (
        "when all shards are done: privxray deidentify terms --merge terms-*.part --key-file FILE --out "
        "all.terms"
    ),
    "deidentify terms --merge": lambda *_: (
        "on each machine: privxray deidentify SOURCE DEST --shard I/N --terms all.terms --key-file FILE "
        "--out copies-I.part"
    ),
    "deidentify --shard": lambda *_: (
        "when all shards are done, in the workspace: privxray deidentify SOURCE DEST --merge copies-*.part "
        "--key-file FILE"
    ),
    "deidentify": lambda done, typed: (
        typed(f"ingest {done.folder} --labels {done.file}{done.options}")
        + f" ({typed(f'check {done.folder}{done.options}')} looks only)"
    ),
    "labels": lambda done, typed: f"fill in the labels, then: {typed(f'ingest FOLDER --labels {done.file}')}",
    "doctor": lambda _, typed: typed("status"),
    "help": lambda *_: "privxray help WORD explains one; privxray COMMAND --help lists a command's options",
    "demo": lambda done, _: (
        f"look around: privxray -C {done.file} status, or budget; privxray inspect on any file above"
    ),
    "audit": lambda *_: "docs/AUDIT.md says what this can and can't show",
    "extractor describe": lambda _, typed: f"put it into a workspace: {typed('extractor add FILE.onnx')}",
    "extractor list": lambda _, typed: f"a plan names the file that it needs: {typed('inspect FILE.plan')}",
    "withdraw": lambda _, typed: f"{typed('status')} says how the study goes on",
    "crosswalk show": lambda *_: "destroy that file when the question is answered",
    "model export": lambda *_: "read its card first; docs/EXTRACTORS.md says how to feed it",
    "train --dry-run": lambda done, typed: f"if that is right: {typed(f'train{done.options}')}",
    "revoke": lambda done, _: f"keep {done.file} safe, or carry it to all: they type privxray distrust FILE",
    "succeed": lambda done, _: f"carry {done.file} to all: they type privxray distrust FILE",
    "waive": lambda done, typed: (
        f"carry {done.file} to the coordinator; {typed('status')} says how you go on"
    ),
    "succeed --votes": lambda done, typed: (
        f"carry {done.file} to all: they type privxray join FILE. Ask every party for a fresh card (privxray "
        f"card), then: {typed('plan cards/*.card --continue')}"
    ),
    "card --candidacy": lambda done, typed: (
        f"carry {done.file} to the hospitals: they type privxray vote FILE. When enough votes are in a "
        f"folder: " + typed("succeed PLAN FILE --votes FOLDER")
    ),
    "vote": lambda done, typed: (
        f"carry {done.file} to {done.to}; when the succession comes: {typed('join FILE')}"
    ),
    "recovery make": lambda _, typed: (
        f"put the words into a safe; then: {typed('card')}, and carry the card to the coordinator"
    ),
    "recovery check": lambda *_: "put them back into the safe",
    "distrust": lambda _, typed: typed("status"),
    "infer distrust": lambda _, typed: typed("status"),
    "backup": lambda *_: "keep it elsewhere; to use it, in an empty folder: privxray restore FILE",
    "restore": lambda done, typed: (
        f"carry {done.file} to the coordinator: open rounds are over here" if done.file else typed("status")
    ),
    "infer offer": lambda done, typed: (
        f"carry {done.file} to the hospital; when its query comes: {typed('infer answer FILE')}"
    ),
    "infer ask": lambda done, typed: (
        f"carry {done.file} to {done.to}; when the answer comes: {typed('infer read FILE')}"
    ),
    "infer answer": lambda done, _: f"carry {done.file} to {done.to}",
    "infer read": lambda done, typed: (
        f"to ask about further images ({done.left} are left): {typed('infer ask IMAGE...')}"
    ),
}


def closing_line(done: Done, look: Callable[[], Situation | None]) -> str:
    """What a command ends with.

    :param look: gives the workspace's situation after the command; None where it was typed outside of one.
    """
    type_here = partial(typed, done.place)
    if done.command in _AFTER:
        text = _AFTER[done.command](done, type_here)
        if done.command in ("check", "check --ocr") and _takes_images(look()):
            return f"{text}; then: {type_here(INGEST)}"
        return text
    situation = look()
    found = advise(situation, done.study) if situation else ()
    text = next((advice.text for advice in found), type_here("status"))
    name = PurePath(done.file).name
    # The file may have been written elsewhere, for instance on a stick. Only the place may have blanks in it.
    seen = rf"(?:{re.escape(done.place)}[/\\])?\S*{re.escape(name)}"
    return re.sub(seen, lambda _: done.file, text) if name else text


def _takes_images(situation: Situation | None) -> bool:
    return situation is not None and situation.role == "hospital" and bool(situation.studies)
