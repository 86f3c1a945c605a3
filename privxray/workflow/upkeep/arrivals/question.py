"""A file that came and the workspace that it came to, and what there is to do about it.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from privxray.formats.header import Fingerprint, Header
from privxray.system.names import quoted
from privxray.workflow.upkeep.advice.situation import typed
from privxray.workspace.session import Session
from privxray.workspace.state_tables.study_tables import Round


@dataclass(frozen=True)
class Typing:
    """How a command about a file is typed.

    :param place: the way from where the person stands to the workspace; empty where they stand in it.
    :param file: the file as the command names it.
    :param folder: its folder likewise; empty where the name is not to be shown.
    """

    place: str = ""
    file: str = "FILE"
    folder: str = ""

    def one(self, before: str, after: str = "") -> str:
        """A command that takes this file."""
        return typed(self.place, f"{before} {quoted(self.file)}{after}")

    def all(self, before: str, suffix: str) -> str:
        """A command that takes all files of a kind in this one's folder."""
        plain = self.folder and quoted(self.folder) == self.folder
        return typed(self.place, f"{before} {self.folder}/*.{suffix}") if plain else self.one(before)


@dataclass(frozen=True)
class Standing:
    """What there is to do about a file.

    :param taken: the workspace knows it, or its time is over: there is nothing to do.
    :param todo: without a full stop.
    """

    taken: bool
    todo: str


H_co = TypeVar("H_co", bound=Header, covariant=True)
"""The kind of file that a question is about."""


@dataclass(frozen=True)
class Question(Generic[H_co]):
    """A file and the workspace that it came to.

    :param digest: of the signed header, in hex.
    :param own: the fingerprint of the workspace's party.
    """

    header: H_co
    digest: str
    session: Session
    own: Fingerprint
    typing: Typing

    def round_of_plan(self) -> Round | None:
        """The round here whose plan the file names, if there is one."""
        rounds = self.session.state.rounds(self.header.study)
        return next((one for one in rounds if one.plan == self.header.plan), None)

    def newest(self) -> Round | None:
        """The newest round here of the file's study."""
        return None if self.header.study is None else self.session.state.last_round(self.header.study)
