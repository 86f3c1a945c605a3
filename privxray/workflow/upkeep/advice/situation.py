"""What there is to know before saying what to do next: facts alone.

Tested in tests/unit/test_workflow_advice.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from privxray.formats.header import TaskName
from privxray.system.names import as_advised, quoted, unexpanded
from privxray.workspace.config import Role
from privxray.workspace.state_tables.study_tables import Round


def typed(place: str, words: str) -> str:
    """A command as it is typed from where a person stands.

    :param place: the way from there to the folder that the files in ``words`` are seen from; empty for here.
    """
    if not place:
        return f"privxray {words}"
    # A pattern must not be expanded by the shell where the person stands.
    return f"privxray -C {quoted(place)} " + re.sub(r"\S*\*\S*", lambda found: unexpanded(found[0]), words)


@dataclass(frozen=True)
class CollectedFile:
    """One of them: where it lies, of which kind it is, and whose. Its signature was verified."""

    folder: str
    name: str
    kind: str
    party: str


@dataclass(frozen=True)
class CollectedFiles:
    """What lies at the coordinator for its round: in ``updates/``, or from its request on in ``shares/``.

    Files in the drop folder count as well.

    :param come: the parties whose file is here and good, as far as its header tells.
    :param awaited: the others. Hospitals that the request leaves out are not awaited.
    :param unfit: the names of files there that ``aggregate`` would refuse.
    :param enough: whether the files that are here open the sum, or are enough for the request.
    :param folders: where the files that are here lie; empty for the usual folder.
    :param unfit_in: the folder of the unfit ones; empty for the usual one.
    :param fitting: the files that are here and good, as far as their headers tell.
    """

    come: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    enough: bool = False
    folders: tuple[str, ...] = ()
    unfit_in: str = ""
    fitting: tuple[CollectedFile, ...] = ()


@dataclass(frozen=True)
class StudySituation:
    """The newest round of a study.

    :param splits: the parts of the hospital's data set for this study that have patients.
    :param last_stage: the study ends with this round.
    :param next_task: what the round after this one is for; None at the end of the study.
    :param trustees: the plan has some.
    :param keyholders: the names of all of them; empty in a strict study.
    :param threshold: how many of them must answer.
    :param keyholder: this workspace is one of them.
    :param answered: it has answered the round's request.
    :param repeatable: the plan's round can be repeated with keyholders, or without a hospital.
    :param refused: it has refused the round, and answers nothing in it.
    :param left_out: the round's sum is opened without this hospital.
    :param costs_more: the study has cost this hospital something in a round that was given up, or an earlier
        plan asked for less where patients are counted. So the epsilon has to be typed.
    :param asked: the epsilon that the round's plan asks for.
    :param possible: the largest epsilon that the lifetime limit allows a training of this round, where that
        is less than it would take by itself; 0 where nothing is left.
    :param collected: at the coordinator, while files are awaited.
    :param lacking: at the coordinator, the parties whose keys for the next round are not here.
    :param cards: at the coordinator, fresh cards that lie here for it, as a command names them.
    :param coordinator: the name of the study's coordinator.
    :param named: the coordinator whom hospitals named and whose plan has not come yet; empty for none.
    :param voted: the candidate whom this hospital voted for, while no succession has come; empty for none.
    :param inherited: at the coordinator, the round was taken over from another one.
    :param own_files: where this party's files of the round lie in the workspace, by their kind: ``enc``,
        ``share``, ``refusal``, ``proof``, ``agreement``.
    """

    round: Round
    splits: frozenset[str] = frozenset()
    last_stage: bool = True
    next_task: TaskName | None = None
    trustees: bool = False
    keyholders: tuple[str, ...] = ()
    threshold: int = 0
    keyholder: bool = False
    answered: bool = False
    repeatable: bool = False
    refused: bool = False
    left_out: bool = False
    costs_more: bool = False
    possible: float | None = None
    asked: float = 0.0
    collected: CollectedFiles = field(default_factory=CollectedFiles)
    lacking: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    coordinator: str = "coordinator"
    named: str = ""
    voted: str = ""
    inherited: bool = False
    own_files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """Where a workspace stands.

    :param has_card: the party's card lies here.
    :param candidacy: the file by which hospitals vote for this coordinator lies here.
    :param copies_unfinished: a de-identification was cut off.
    :param audits: the kinds of audits on own patients that were begun and not finished.
    :param offers: an owner's offer of encrypted inference is known here.
    :param waiting: queries of this hospital whose answer was not read yet.
    :param place: the way from where a person stands to the workspace; empty where they stand in it.
    """

    role: Role
    name: str
    has_card: bool = True
    candidacy: bool = False
    copies_unfinished: bool = False
    audits: tuple[str, ...] = ()
    offers: bool = False
    waiting: int = 0
    studies: tuple[StudySituation, ...] = ()
    place: str = ""

    def typed(self, words: str) -> str:
        """A command as it is typed from where the person stands; files in it are seen from the workspace."""
        return typed(self.place, words)

    def path(self, name: str) -> str:
        """A file of the workspace as it is seen from where the person stands."""
        return as_advised(PurePath(self.place, name))
