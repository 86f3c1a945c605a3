"""Names that a shell completes: the workspace's studies, the parties of its newest plans, words of ``help``.

A shell asks while a person types, so nothing here is ever an error, nothing is asked, and nothing is changed:
where a workspace can't be read there is nothing to complete. Tested in tests/cli/test_completion.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privxray.workspace.session import Session


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


def _studies(session: Session) -> list[str]:
    return [session.workspace.own_study] if session.role == "coordinator" else session.state.studies()


def _beginning(incomplete: str, names: Callable[[Session], Iterable[str]]) -> list[str]:
    """What ``names`` gives of the workspace, as far as it begins with what was typed."""
    from privxray.workspace.folder import Workspace
    from privxray.workspace.session import looking

    with suppress(Exception), looking(Workspace.find(Path.cwd()), read_only=True) as session:
        return sorted({name for name in names(session) if name.startswith(incomplete)})
    return []
