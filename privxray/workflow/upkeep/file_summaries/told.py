"""What is told of a travelling file, and to whom.

Tested in tests/cli/test_inspect.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from privxray.formats.header import Header
from privxray.workspace.config import Role


@dataclass(frozen=True)
class Reader:
    """Who looks at the file.

    :ivar role: of the workspace; None outside of one.
    :ivar names: of the parties that are known here, by the fingerprints of their keys.
    :ivar own: this party's fingerprint; empty outside of a workspace.
    :ivar followed: the digests of the plans that are followed here, or were signed here.
    :ivar accepted: the digests of the models and summaries that are accepted here, or were signed here.
    :ivar newest: of these the last one of each study.
    """

    role: Role | None = None
    names: Mapping[str, str] | None = None
    own: str = ""
    followed: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    newest: frozenset[str] = frozenset()

    def name(self, fingerprint: str) -> str:
        """A party by its name, or by its fingerprint where it is not known here."""
        if fingerprint == self.own:
            return "this workspace"
        return (self.names or {}).get(fingerprint, f"somebody unknown here ({fingerprint[:16]})")


@dataclass(frozen=True)
class Summary:
    """What a person decides by.

    :ivar what: the kind of file, in words. :ivar whose: who made it, and for whom.
    :ivar where: the study and the round; empty where it is of none.
    :ivar terms: what it promises or costs, in words; empty where it says nothing of the kind.
    :ivar todo: what to do with it here, without a full stop.
    :ivar more: further lines: what is asked, and the answer.
    """

    what: str
    whose: str
    where: str
    terms: str
    todo: str
    more: tuple[tuple[str, str], ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """Lines for a person: what is asked, and the answer."""
        listed = [("what", self.what), ("whose", self.whose), ("study and round", self.where)]
        return [(name, text) for name, text in (*listed, ("terms", self.terms), *self.more) if text]


def place_of(header: Header) -> str:
    """The study and round that a file is of."""
    return f"{header.study}, round {header.round}"
