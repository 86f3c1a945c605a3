"""What lies unread in a workspace: files that came and that no command has taken yet.

They lie in the drop folder, ``incoming/``; at a coordinator also in the folders where it collects.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from privxray.formats.header import SUFFIXES
from privxray.workflow.upkeep.arrivals.candidates import Candidate, listing
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session

if TYPE_CHECKING:
    from privxray.workflow.upkeep.arrivals.arrival import Arrival

MOST = 100
"""Files of one folder that ``status`` looks at."""


@dataclass(frozen=True)
class Unread:
    """Files that wait.

    :param files: by folder and name, as they are seen from the workspace.
    :param more: how many further ones of fitting names were not looked at.
    :param todos: what to do about those in the drop folder, each command once. What to do about updates and
        share files at their coordinator is among its advice.
    """

    files: tuple[Arrival, ...] = ()
    more: int = 0
    todos: tuple[str, ...] = ()


def unread(session: Session, place: str = "") -> Unread:
    """What lies unread, without reading any file's body.

    :param place: the way from where the person stands to the workspace.
    """
    found: list[tuple[str, Candidate]] = []
    more = 0
    for folder, suffixes in _folders(session.workspace).items():
        path = session.root / folder
        if path.is_symlink() or not path.is_dir():
            continue
        listed = listing(path, suffixes, MOST)
        found += [(folder, file) for file in listed.files]
        more += listed.passed_over
    if not found:
        return Unread(more=more)
    from privxray.workflow.upkeep.arrivals.arrival import Judge  # not needed for an empty folder

    judge = Judge(session, place)
    seen = [(folder, one) for folder, file in found if (one := judge.of(file, folder)) and not one.taken]
    unlooked = len(found) - judge.looked_at
    todos = dict.fromkeys(_todos(session, seen))
    files = tuple(replace(one, name=_within(folder, one)) for folder, one in seen)
    return Unread(files, more + unlooked, tuple(todos))


def _todos(session: Session, seen: list[tuple[str, Arrival]]) -> Iterator[str]:
    for folder, one in seen:
        advised = session.role == "coordinator" and one.kind in ("update", "share")
        if folder == session.workspace.incoming.name and one.kind is not None and not advised:
            yield one.todo


def _within(folder: str, one: Arrival) -> str:
    return f"{one.name}, in {folder}/" if " " in one.name else f"{folder}/{one.name}"


def _folders(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Where files come in, and which kinds are looked for there."""
    folders: dict[str, tuple[str, ...]] = {workspace.incoming.name: SUFFIXES}
    if workspace.config.role == "coordinator":
        folders |= {"cards": ("card",), "updates": ("enc", "agreement"), "shares": ("share",)}
    return folders
