"""What lies unread in a workspace: files that came and that no command has taken yet.

They lie in the drop folder, ``incoming/``; at a coordinator also where it collects cards, updates and share
files. Those of its round were judged by the rules of the round already (:mod:`.advice.collected`).

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from privxray.formats.header import SUFFIXES
from privxray.workflow.upkeep.advice.situation import CollectedFile, Situation
from privxray.workflow.upkeep.arrivals.arrival import Arrival, public_file_name
from privxray.workspace.drop_folder import Candidate, dropped
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round

MOST = 100
"""Files of one folder that ``status`` looks at."""


@dataclass(frozen=True)
class Unread:
    """Files that wait.

    :param files: by folder and name, as they are seen from the workspace.
    :param more: how many further ones of fitting names were not looked at.
    :param todos: what to do about those in the drop folder, each command once. What to do about files that a
        coordinator's round takes is among its advice.
    """

    files: tuple[Arrival, ...] = ()
    more: int = 0
    todos: tuple[str, ...] = ()


def unread(session: Session, situation: Situation) -> Unread:
    """What lies unread, without reading any file's body.

    :param situation: of the workspace, with what its round has collected.
    """
    collected = [(one.folder, arrival) for one, arrival in _collected(situation)]
    known = {(folder, arrival.name) for folder, arrival in collected}
    found: list[tuple[str, Candidate]] = []
    more = 0
    for folder, suffixes in _folders(session, situation).items():
        listed = dropped(session.root / folder, suffixes, MOST)
        found += [(folder, file) for file in listed.files if (folder, file.path.name) not in known]
        more += listed.passed_over
    judged, unlooked = _judged(session, situation, found) if found else ([], 0)
    drop = session.workspace.incoming.name
    todos = dict.fromkeys(one.todo for folder, one in judged if folder == drop and one.kind is not None)
    files = (replace(one, name=_within(folder, one)) for folder, one in (*judged, *collected))
    return Unread(tuple(files), more + unlooked, tuple(todos))


def _judged(
    session: Session, situation: Situation, found: list[tuple[str, Candidate]]
) -> tuple[list[tuple[str, Arrival]], int]:
    """What files are that no round here has taken, and how many were not looked at."""
    from privxray.workflow.upkeep.arrivals.judge import Judge  # not needed for an empty folder

    judge = Judge(session, situation.place)
    seen = [(folder, one) for folder, file in found if (one := judge.of(file, folder)) and not one.taken]
    return seen, len(found) - judge.looked_at


def _collected(situation: Situation) -> Iterator[tuple[CollectedFile, Arrival]]:
    """What the round of a coordinator has to take."""
    for study in situation.studies:
        words = {study.round.study, *(one.party for one in study.collected.fitting)}
        for one in study.collected.fitting:
            article, pattern = "an" if one.kind[0] in "aou" else "a", f"{one.folder}/*{Path(one.name).suffix}"
            yield (
                one,
                Arrival(
                    name=_name(one, study.round, words),
                    kind=one.kind,
                    what=f"{article} {one.kind}",
                    study=study.round.study,
                    round=study.round.number,
                    whose=one.party,
                    verified=True,
                    signature=f"good, by {one.party}",
                    todo=situation.typed(f"aggregate {pattern}"),
                ),
            )


def _name(one: CollectedFile, round_: Round, words: set[str]) -> str:
    """A collected file's public name; most have the one that privxray gave them."""
    usual = f"{one.party}-{round_.study}-{round_.number:04d}{Path(one.name).suffix}"
    return one.name if one.name == usual else public_file_name(Path(one.name), words)


def _within(folder: str, one: Arrival) -> str:
    return f"{one.name}, in {folder}/" if " " in one.name else f"{folder}/{one.name}"


def _folders(session: Session, situation: Situation) -> dict[str, tuple[str, ...]]:
    """Where files come in that no round has judged, and which kinds are looked for there."""
    folders: dict[str, tuple[str, ...]] = {session.workspace.incoming.name: SUFFIXES}
    if session.role == "coordinator" and not any(one.round.state.awaits_files for one in situation.studies):
        folders["cards"] = ("card",)
    return folders
