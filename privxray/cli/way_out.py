"""The command that helps after a slip: a wrong role, an order that does not work, a file of another kind.

An error says what is wrong by the rule that refused. What a person should type instead follows from the
workspace and from the files that lie there. It is put into the error's advice here, for all commands alike,
so the rules stay free of it. Where an advice is, or ends with, :data:`~privxray.errors.STATUS_SAYS`, the same
function answers as for ``status``. Another advice that names a command is mostly left.

Tested in tests/cli/test_wrong_orders.py and tests/cli/test_every_order.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.cli.current_workspace import current_workspace, place_of, seen_from
from privxray.cli.taken_kinds import TAKES
from privxray.errors import STATUS_SAYS, PrivxrayError

if TYPE_CHECKING:
    from privxray.workflow.upkeep.advice.situation import Situation
    from privxray.workflow.upkeep.arrivals.arrival import Arrival
    from privxray.workspace.session import Session

_ORDER = frozenset({10, 11, 15})
"""Exit codes of slips of order and of files: no workspace of the kind, a wrong file, an incomplete cohort."""
_OTHER_FILE = frozenset(
    {
        "accept.first-plan",
        "accept.model-at-trustee",
        "accept.other-kind",
        "file.other-kind",
        "model.unknown",
        "model.unknown-plan",
        "plan.other-predecessor",
        "plan.party-missing",
        "plan.replayed",
        "proof.model-not-accepted",
        "proof.unknown-plan",
        "request.unknown-plan",
        "succession.by-recovery",
        "succession.by-votes",
        "unmask.other-kind",
        "verify.not-taken-in",
    }
)
"""Reasons that are about which file was named: what to do with it, or what comes first, is told instead."""
_ALWAYS = frozenset({"workspace.other-role", "cohort.missing", "cohort.refused", "plan.other-coordinator"})
"""Reasons whose advice may name a command, but not the one that is next here."""
_FILES = frozenset({"file.absent", "file.no-match", "usage"})
"""Reasons of a file that was forgotten, or is not there."""
_FOLDERS = ("incoming", "updates", "cards", "shares", "models")
_MISSING = re.compile(r"(FILES?|CARDS|QUERY|ANSWER) is missing")


@dataclass(frozen=True)
class _Slip:
    """An error, and the workspace that the command was typed in.

    :param command: without its options. :param study: that the command was about, where that is known.
    :param situation: of the workspace.
    """

    error: PrivxrayError
    command: str
    study: str | None
    session: Session
    situation: Situation

    def waiting(self) -> list[str]:
        """What to type about files in the drop folder: those that the command takes, or the first of any."""
        from privxray.workflow.upkeep.arrivals.unread import unread

        came, wanted = unread(self.session, self.situation), TAKES.get(self.command)
        if wanted is None:
            return list(came.todos[:1])
        drop = f"{self.session.workspace.incoming.name}/"
        files = [one for one in came.files if one.kind in wanted and one.name.startswith(drop)]
        return list(dict.fromkeys(one.todo for one in files))

    def next_here(self) -> str:
        """What the workspace says to do next."""
        from privxray.workflow.upkeep.advice.advise import advise

        found = next(advise(self.situation, self.study), None) or next(advise(self.situation), None)
        return f"Next here: {found.text}" if found else STATUS_SAYS

    def named(self) -> Arrival | None:
        """The file that was named, as one in a drop folder is judged."""
        from privxray.workflow.upkeep.arrivals.judge import Judge
        from privxray.workspace.drop_folder import Candidate

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
    asks_status = error.advice.endswith(STATUS_SAYS)
    if not (asks_status or error.exit_code in _ORDER or error.reason in _OTHER_FILE | _ALWAYS | _FILES):
        return
    with suppress(Exception):
        from privxray.workflow.upkeep.advice.look import look
        from privxray.workspace.session import looking

        workspace = current_workspace()
        with looking(workspace) as session:
            situation = look(session, "" if as_json else place_of(workspace.root))
            slip = _Slip(error, _command(typed), _study(typed, situation), session, situation)
            parts = list(_parts(slip))
        error.advice = ". ".join(part for part in parts if part)


def _parts(slip: _Slip) -> Iterator[str]:
    """The sentences of an advice, without their full stops."""
    error = slip.error
    advice = error.advice.removesuffix(STATUS_SAYS).rstrip(" .")
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
        told = f"What to do with this file: {seen.todo}" if seen and seen.kind else error.advice
        yield told.removesuffix(STATUS_SAYS)
        yield from _sentences(waiting) if waiting else _unless_named(slip, told)
    elif elsewhere := slip.elsewhere() if error.reason == "file.absent" else "":
        yield elsewhere
    else:
        yield advice
        yield from _sentences(waiting) if waiting else _unless_named(slip, error.advice)


def _unless_named(slip: _Slip, advice: str) -> Iterator[str]:
    """What the workspace says to do next, unless the advice names a command that can be typed here."""
    if advice.endswith(STATUS_SAYS) or "privxray " not in advice or slip.error.reason in _ALWAYS:
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


def _study(typed: Sequence[str], situation: Situation) -> str | None:
    """The study that was named, or the only one; None where there are several, or none."""
    named = [word for before, word in pairwise(typed) if before == "--study"]
    named += [word.removeprefix("--study=") for word in typed if word.startswith("--study=")]
    known = [one.round.study for one in situation.studies]
    return next((name for name in (*named, *known[: len(known) == 1]) if name in known), None)


def _sentences(todos: list[str]) -> Iterator[str]:
    """Advice about files that wait."""
    for todo in todos:
        yield f"Type: {todo}" if todo.startswith("privxray ") else f"{todo[:1].upper()}{todo[1:]}"
