"""Every command at every state of every party: a refusal is one line, and what it advises can be typed next.

Commands that were in order change the workspace, which is then copied anew. No study is played for this.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import played_hybrid
import played_keyholders
import pytest
from played_study import Snapshots, World, typed

from privxray.explanations.catalogue import reasons

assert played_hybrid
assert played_keyholders  # their stages

IMAGE = "source/images/img-0-000-0.png"
OWN = {"plan": "plan-0001.plan", "model": "global-0001.model", "summary": "round-0001.summary",
       "request": "x.request", "offer": "x.offer", "query": "x.query", "answer": "x.answer"}  # fmt: skip
COMMANDS = """\
plan cards/*.card
plan cards/*.card --continue
plan --continue
plan --repeat updates/*.enc
plan --continue --without hospital-b
join {plan}
join {model}
accept {plan}
accept {model}
accept {summary}
describe --contribute
train --epsilon 1
train --again
evaluate
evaluate --local
evaluate --contribute
export-update
predict IMAGE
aggregate updates/*.enc
aggregate updates/*.enc --without hospital-b
aggregate shares/*.share
unmask {request}
refuse
waive
verify {model}
verify {summary}
report study
report training
infer offer --limit 5
infer ask IMAGE
infer ask IMAGE --offer {offer}
infer answer {query}
infer read {answer}
succeed {plan} out.succession --votes votes
vote x.candidacy
distrust x.succession
""".replace("IMAGE", IMAGE).splitlines()
FOR_OTHERS = ("(", "they type ", "in a new workspace: ")
"""What stands before a command that is typed elsewhere."""
STEPS = frozenset({"ask", "answer", "read", "offer", "study", "training", "make", "check"})
VALUES = frozenset({"--role", "--study", "--name"})
"""Options whose value looks like any other word."""
OF_A_FILE = frozenset({"file.absent", "file.no-match", "image.absent", "succeed.no-votes"})
"""Refusals of a file that stands in the place of FILE, so not of the order."""


def accepted(world: World) -> None:
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)


def restored(world: World) -> None:
    kept = world.root / "a.backup"
    world.ok("hospital-a", "backup", kept, asks=True)
    shutil.rmtree(world["hospital-a"])
    world["hospital-a"].mkdir()
    world.ok("hospital-a", "restore", kept, "--spent-since", "0", asks=True)


def candidate(world: World) -> None:
    world["heir"].mkdir()
    world.ok("heir", "init", "--role", "coordinator", "--study", "pneumonia", "--name", "heir", asks=True)
    world.ok("heir", "card", "--candidacy", asks=True)


STATES: list[tuple[str, str, Callable[[World], None] | None, str]] = [
    ("initialised", "hospital-a", None, ""),
    ("initialised", "coordinator", None, "plan"),
    ("initialised", "heir", candidate, ""),
    ("joined", "hospital-a", None, "join, accept"),
    ("joined", "coordinator", None, "plan"),
    ("trained", "hospital-a", None, "join, accept, export-update, report, evaluate --local"),
    ("exported", "hospital-a", None, "join, accept, export-update, report"),
    ("exported", "hospital-a", restored, "join, accept, export-update, report"),
    ("exported", "coordinator", None, "plan, plan --repeat, aggregate, report"),
    ("aggregated", "coordinator", None, "aggregate, report, infer, infer offer --limit"),
    ("unaccepted", "hospital-a", None, "accept, export-update, report"),
    (
        "unaccepted",
        "hospital-a",
        accepted,
        "accept, export-update, report, verify, predict, infer, infer offer --limit",
    ),
    ("counting", "hospital-a", None, "join, accept, describe, report"),
    ("summed", "coordinator", None, "aggregate, report"),
    ("answered", "clinic", None, ""),
    ("hybrid-agreed", "hospital-a", None, "join, accept, report"),
    ("keyholders-answered", "hospital-a", None, "join, accept, export-update, report, unmask"),
    ("keyholders-answered", "notary", None, "join, accept, unmask"),
    ("keyholders-answered", "coordinator", None, "plan, aggregate, report"),
]
"""A stage that is played, a party, what is done to it besides, and the commands that are in order there.

Those are not typed, but with options that are not named: they may not be in order."""


@dataclass
class Desk:
    """A party's workspace, put back whenever a command has changed it."""

    folder: Path
    kept: Path

    def type(self, line: str) -> tuple[int, str, str, str]:
        """Type a command: its exit code, the reason and the advice, and what went to stderr."""
        ended = typed([*line.split(), "--json"])
        if self._stamps(self.folder) != self.stamps:
            self.reset()
        error = ended.json["error"] if ended.code and ended.out else {"reason": "", "advice": ""}
        return ended.code, error["reason"], error["advice"], ended.err

    def reset(self) -> None:
        os.chdir(self.folder.parent)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.kept, self.folder)
        os.chdir(self.folder)
        self.stamps = self._stamps(self.folder)

    def _stamps(self, folder: Path) -> dict[str, tuple[int, int]]:
        found = {}
        for place, inside, names in os.walk(folder):
            inside[:] = [name for name in inside if name not in ("log", "source")]
            for name in names:
                seen = os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 - many, and quick
                found[os.path.join(place, name)] = (seen.st_size, seen.st_mtime_ns)  # noqa: PTH118
        return found


def newest_files(world: Path) -> dict[str, str]:
    """Of each kind the file that was written last, wherever it lies; else a name of nothing."""
    found = dict(OWN)
    for kind in OWN:
        files = [file for file in world.glob(f"*/*/*.{kind}") if file.parent.name in ("received", "models")]
        files += world.glob(f"*/*.{kind}")
        if files:
            found[kind] = str(max(files, key=lambda file: file.stat().st_mtime_ns))
    return found


def advised(text: str) -> Iterator[str]:
    """The commands in a text that its reader types."""
    before, *rest = text.split("privxray ")
    for part in rest:
        words: list[str] = []
        for number, word in enumerate(part.split()):
            bare = word.rstrip(".,;:)") if not word.endswith("...") else word
            of_command = number == 0 or word.startswith("-") or not bare.isalpha() or bare.isupper()
            if not (of_command or (number == 1 and bare in STEPS) or words[-1] in VALUES):
                break
            words.append(bare)
            if bare != word:
                break
        if not before.endswith(FOR_OTHERS):
            yield " ".join(words)
        before = part


def typeable(command: str) -> str:
    """An advised command with something in the place of what the reader chooses."""
    filled = {"IMAGE...": IMAGE, "E": "1"}
    return " ".join(filled.get(word, "absent.card" if word.isupper() else word) for word in command.split())


@pytest.mark.parametrize(
    ("stage", "party", "then", "in_order"), STATES, ids=lambda value: getattr(value, "__name__", value or "-")
)
def test_what_a_refusal_advises_is_not_refused_for_its_order(
    stage: str,
    party: str,
    then: Callable[[World], None] | None,
    in_order: str,
    snapshots: Snapshots,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = snapshots(stage)
    if then:
        played = Path(shutil.copytree(played, tmp_path / "played"))
        then(World(played))
    monkeypatch.setenv("PRIVXRAY_PASSPHRASE_FILE", str(played / "passphrase"))
    desk = Desk(tmp_path / party, played / party)
    desk.folder.mkdir()
    desk.reset()
    files = newest_files(played)
    status = " ".join(typed(["status", "--json"]).json["next"])
    if "predict" in status:
        assert desk.type(f"predict {IMAGE}")[0] == 0
    helps: dict[str, str] = {}
    for command in COMMANDS:
        if any(
            command.startswith(one) and ("--" in one or "--" not in command)
            for one in in_order.split(", ")
            if one
        ):
            continue
        line = command.format_map(files)
        code, reason, advice, said = desk.type(line)
        if code == 0:
            continue
        assert code == reasons()[reason].exit_code != 1 or reason in OF_A_FILE, (line, said)
        assert said.count("\n") == 1, (line, said)
        assert advice, (line, said)
        for other in advised(advice):
            if other not in status:
                helps.setdefault(typeable(other), line)
    for other, line in helps.items():
        code, reason, _, said = desk.type(other)
        assert code == 0 or reason in OF_A_FILE, (line, other, said)
