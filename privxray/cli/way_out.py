"""The command that helps after a slip: a wrong role, an order that does not work, a file of another kind.

An error says what is wrong by the rule that refused. What a person should type instead follows from the
workspace and from the files that lie there. It is put into the error's advice here, for all commands alike,
so the rules stay free of it. An advice that names a command already is mostly left.

Tested in tests/cli/test_wrong_orders.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.cli.current_workspace import current_workspace, place_of, seen_from
from privxray.errors import PrivxrayError

if TYPE_CHECKING:
    from privxray.workflow.upkeep.advice.situation import Situation
    from privxray.workflow.upkeep.arrivals.arrival import Arrival
    from privxray.workspace.session import Session

_ORDER = frozenset({10, 11, 15})
"""Exit codes of slips of order and of files: no workspace of the kind, a wrong file, an incomplete cohort."""
_OTHER_FILE = frozenset(
    {
        "accept.first-plan",
        "accept.other-kind",
        "file.other-kind",
        "model.unknown-plan",
        "plan.other-predecessor",
        "plan.replayed",
        "request.unknown-plan",
        "unmask.other-kind",
    }
)
"""Reasons that are about which file was named: what to do with it, or what comes first, is told instead."""
_ALWAYS = frozenset({"workspace.other-role", "cohort.missing", "cohort.refused"})
"""Reasons whose advice may name a command, but not the one that is next here."""
_TAKES: dict[str, tuple[str, ...]] = {
    "plan": ("card",),
    "join": ("plan", "succession"),
    "accept": ("model", "plan", "summary"),
    "aggregate": ("update", "share", "agreement"),
    "unmask": ("request",),
    "verify": ("proof", "model", "plan"),
    "distrust": ("revocation", "succession"),
    "vote": ("candidacy",),
    "infer answer": ("query",),
    "infer read": ("answer",),
}
"""Which kinds of files a command takes."""
_FOLDERS = ("incoming", "updates", "cards", "shares", "models")
_MISSING = re.compile(r"(FILES?|CARDS|QUERY|ANSWER) is missing")


@dataclass(frozen=True)
class _Slip:
    """An error, and the workspace that the command was typed in.

    :param command: without its options. :param situation: of the workspace.
    """

    error: PrivxrayError
    command: str
    session: Session
    situation: Situation

    def waiting(self) -> list[str]:
        """What to type about files in the drop folder: those that the command takes, or the first of any."""
        from privxray.workflow.upkeep.arrivals.unread import unread

        came, wanted = unread(self.session, self.situation), _TAKES.get(self.command)
        if wanted is None:
            return list(came.todos[:1])
        drop = f"{self.session.workspace.incoming.name}/"
        files = [one for one in came.files if one.kind in wanted and one.name.startswith(drop)]
        return list(dict.fromkeys(one.todo for one in files))

    def next_here(self) -> str:
        """What the workspace says to do next."""
        from privxray.workflow.upkeep.advice.advise import advise

        found = next(iter(advise(self.situation)), None)
        return f"Next here: {found.text}" if found else ""

    def named(self) -> Arrival | None:
        """The file that was named, as one in a drop folder is judged."""
        from privxray.workflow.upkeep.arrivals.candidates import Candidate
        from privxray.workflow.upkeep.arrivals.judge import Judge

        path = Path(self.error.file or "")
        seen = path.stat()
        file = Candidate(path, (seen.st_size, seen.st_mtime_ns, seen.st_ino))
        return Judge(self.session, self.situation.place).of(file, seen_from(self.session.root, path.parent))

    def elsewhere(self) -> str:
        """A file of the name that was typed in one of the workspace's own folders."""
        name = Path(self.error.file or "").name
        found = [one for one in _FOLDERS if (self.session.root / one / name).is_file()]
        return f"It lies in {found[0]}/: name it as {found[0]}/{name}" if found else ""


def show_way_out(error: PrivxrayError, typed: Sequence[str], *, as_json: bool) -> None:
    """Put the command that helps into an error's advice, where one is known.

    Nothing here is ever an error of its own: then the advice stays as it is.

    :param typed: the words of the command.
    """
    if error.exit_code not in _ORDER and error.reason not in (
        *_OTHER_FILE,
        "file.absent",
        "file.no-match",
        "usage",
    ):
        return
    with suppress(Exception):
        from privxray.workflow.upkeep.advice.look import look
        from privxray.workspace.session import looking

        workspace = current_workspace()
        with looking(workspace) as session:
            situation = look(session, "" if as_json else place_of(workspace.root))
            parts = list(_parts(_Slip(error, _command(typed), session, situation)))
        error.advice = ". ".join(part for part in parts if part)


def _parts(slip: _Slip) -> Iterator[str]:
    """The sentences of an advice, without their full stops."""
    error, advice = slip.error, slip.error.advice.rstrip(".")
    missing = _MISSING.match(error.what) if error.reason == "usage" else None
    if error.reason == "usage" and not missing:
        yield advice
        return
    waiting = slip.waiting()
    if missing:
        typed = f"Type: {slip.situation.typed(f'{slip.command} {missing[1]}')}"
        yield from _sentences(waiting) if waiting else (typed,)
    elif error.reason in _OTHER_FILE:
        seen = slip.named()
        advice = f"What to do with this file: {seen.todo}" if seen and seen.kind else advice
        yield advice
        yield from _sentences(waiting) if waiting else _unless_named(slip, advice)
    elif elsewhere := slip.elsewhere() if error.reason == "file.absent" else "":
        yield elsewhere
    else:
        yield advice
        yield from _sentences(waiting) if waiting else _unless_named(slip, advice)


def _unless_named(slip: _Slip, advice: str) -> Iterator[str]:
    """What the workspace says to do next, unless the advice names a command that can be typed here."""
    if "privxray " not in advice or slip.error.reason in _ALWAYS:
        yield slip.next_here()


def _command(typed: Sequence[str]) -> str:
    """The command among the words that were typed, with its step where it has some."""
    words = [
        word
        for before, word in zip(["", *typed], typed, strict=False)
        if not word.startswith("-") and before != "-C"
    ]
    first, *rest = words or [""]
    return f"{first} {rest[0]}" if first == "infer" and rest else first


def _sentences(todos: list[str]) -> Iterator[str]:
    """Advice about files that wait."""
    for todo in todos:
        yield f"Type: {todo}" if todo.startswith("privxray ") else f"{todo[:1].upper()}{todo[1:]}"
