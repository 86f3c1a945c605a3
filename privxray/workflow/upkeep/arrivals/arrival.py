"""What is told of a file that came.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from privxray.naming.public_names import lone_name

HIDDEN = "a file whose name may identify somebody"


@dataclass(frozen=True)
class Arrival:
    """A file in a drop folder.

    :param name: its public name.
    :param kind: of file; None where it is none of privxray's, or damaged.
    :param what: the kind in words. :param study: None where it is of none. :param round: 0 likewise.
    :param whose: who made it, in words; empty where that can't be told.
    :param verified: a key was at hand here by which the signature is good.
    :param signature: how far the signature can be judged, or what is wrong with the file.
    :param taken: the workspace knows it, or its time is over.
    :param todo: what to do with it, without a full stop.
    """

    name: str
    kind: str | None = None
    what: str = "not good"
    study: str | None = None
    round: int = 0
    whose: str = ""
    verified: bool = False
    signature: str = ""
    taken: bool = False
    todo: str = ""

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` says of it."""
        return {
            "file": self.name,
            "kind": self.kind,
            "study": self.study,
            "round": self.round,
            "from": self.whose or None,
            "verified": self.verified,
            "signature": self.signature,
            "taken": self.taken,
            "todo": self.todo,
        }

    def __str__(self) -> str:
        """One line without a full stop."""
        if self.kind is None:
            return f"{self.name}: {self.signature}; {self.todo}"
        place = f" of {self.study}" + (f", round {self.round}" if self.round else "") if self.study else ""
        whose = f", from {self.whose}" if self.whose else ""
        signature = self.signature.partition(";")[0]
        return f"{self.name}: {self.what}{place}{whose}; signature {signature}; {self.todo}"


def public_file_name(path: Path, words: Iterable[str]) -> str:
    """A file's name, if nothing in it but some words could identify somebody.

    :param words: the names of the study and of its parties.
    """
    rest = path.name
    for word in sorted(filter(None, set(words)), key=len, reverse=True):
        rest = rest.replace(word, "x")
    return path.name if lone_name(PurePath(rest)) == rest else HIDDEN
