"""Names that a shell completes: studies, parties of their newest plans, words of ``help``, files that came.

A shell asks while a person types, so nothing here is ever an error, nothing is asked, and nothing is changed:
where a workspace can't be read there is nothing to complete. Tested in tests/cli/test_completion.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from privxray.cli.taken_kinds import COMPLETES

if TYPE_CHECKING:
    from privxray.workspace.session import Session


_MOST = 10_000
"""Entries of a folder that are looked at."""


def studies(incomplete: str) -> list[str]:
    """The studies of the workspace that a person stands in."""
    return _beginning(incomplete, _studies)


def parties(incomplete: str) -> list[str]:
    """The parties of the newest plan of each study."""
    from privxray.workflow.common.planned_round import load_plan

    def named(session: Session) -> Iterator[str]:
        for study in _studies(session):
            round_ = session.state.last_round(study)
            if round_ is not None:
                yield from (party.name for party in load_plan(session.workspace, round_).roster.parties)

    return _beginning(incomplete, named)


def explained(incomplete: str) -> list[str]:
    """Words and reasons that ``help`` explains."""
    from privxray.explanations.catalogue import glossary, reasons

    return sorted(name for name in (*glossary(), *reasons()) if name.startswith(incomplete))


def files_for(command: str) -> Callable[[str], list[str]]:
    """Completes files that a command takes: those in the drop folder, and those where the word leads.

    Where it completes nothing, the shell completes files by itself.
    """
    kinds = COMPLETES[command]

    def complete(incomplete: str) -> list[str]:
        from privxray.formats.header import (  # takes long, and most commands have no such file
            KINDS,
            suffix_of,
        )

        suffixes = tuple(f".{suffix_of(kind)}" for kind in kinds or KINDS)
        place = incomplete[: incomplete.rfind("/") + 1]
        found = _named(Path(place), place, suffixes)
        with suppress(Exception):
            from privxray.workspace.folder import Workspace

            drop = Workspace.find(Path.cwd()).incoming
            shown = Path(os.path.relpath(drop)).as_posix() + "/"
            if not drop.is_symlink() and shown not in (place, "./"):
                found += _named(drop, shown, suffixes)
        return [name for name in found if name.startswith(incomplete)]

    return complete


def _named(folder: Path, place: str, suffixes: tuple[str, ...]) -> list[str]:
    """The first files of a folder whose names end so, as they are typed."""
    with suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _MOST) if entry.name.endswith(suffixes)]
        return [place + name for name in sorted(names)]
    return []


def _studies(session: Session) -> list[str]:
    return [session.workspace.own_study] if session.role == "coordinator" else session.state.studies()


def _beginning(incomplete: str, names: Callable[[Session], Iterable[str]]) -> list[str]:
    """What ``names`` gives of the workspace, as far as it begins with what was typed."""
    from privxray.workspace.folder import Workspace
    from privxray.workspace.session import looking

    with suppress(Exception), looking(Workspace.find(Path.cwd()), read_only=True) as session:
        return sorted({name for name in names(session) if name.startswith(incomplete)})
    return []
