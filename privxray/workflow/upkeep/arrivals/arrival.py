"""One file that came: its signed start is read, and its body is not.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from privxray.errors import IdentityError, PrivxrayError, StrangeFileError
from privxray.exchange.intake import envelope_of
from privxray.formats.container import MAX_ENVELOPE
from privxray.formats.header import Header
from privxray.naming.public_names import lone_name
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.upkeep.arrivals.candidates import Candidate
from privxray.workflow.upkeep.arrivals.standing import Question, Standing, Typing, standing
from privxray.workflow.upkeep.header_classes import HEADERS
from privxray.workflow.upkeep.inspect_summary import summary
from privxray.workflow.upkeep.known_signers import NOBODY_KNOWN, Known, known_in
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, looking

MOST_READ = 16 * 1024 * 1024
"""Bytes that are read for one look at a folder; anybody may put files there."""
HIDDEN = "a file whose name may identify somebody"
_ANEW = "ask its sender for the file again"


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


class Judge:
    """Judges files by what a workspace knows; outside of one, by the files alone.

    :param place: the way from where the person stands to the workspace.
    """

    def __init__(self, session: Session | None, place: str = "") -> None:
        self._session = session
        self._place = place
        self._known: Known = NOBODY_KNOWN if session is None else known_in(session)
        self._read = 0
        self.looked_at = 0

    def of(self, file: Candidate, folder: str) -> Arrival | None:
        """What a file is and what to do with it; None once enough was read.

        :param folder: the file's folder as a command names it; empty for the workspace or for here.
        """
        if self._read > MOST_READ:
            return None
        self.looked_at += 1
        path = file.path
        try:
            envelope = envelope_of(path, follow_links=False)
            model = HEADERS[envelope.kind]
            header = envelope.claim(model)
        except (PrivxrayError, OSError) as error:
            what = error.what if isinstance(error, PrivxrayError) else f"it can't be read ({error.strerror})"
            advice = error.advice if isinstance(error, PrivxrayError) else "look at its permissions"
            self._read += 0 if isinstance(error, StrangeFileError) else min(file.size, MAX_ENVELOPE)
            return Arrival(lone_name(path), signature=what, todo=_uncapital(advice) or _ANEW)
        self._read += envelope.length
        told = summary(header, envelope.digest, self._known.reader)
        key, words = self._known.signer(header, envelope.key_id)
        name = _public_name(path, header, self._known)
        bad = _length_trouble(header, envelope.length, file.size)
        if key is not None and not bad:
            try:
                envelope.verify(key.verifier(), model)
            except IdentityError as error:
                bad = error.what
        stands = Standing(False, _ANEW)
        if not bad:
            stands = self._standing(header, envelope.digest, folder, name) or Standing(False, told.todo)
        return Arrival(
            name=name,
            kind=envelope.kind,
            what=told.what.partition(":")[0],
            study=header.study,
            round=header.round,
            whose=told.whose.partition(",")[0],
            verified=key is not None and not bad,
            signature=bad or words,
            taken=stands.taken,
            todo=stands.todo,
        )

    def _standing(self, header: Header, digest: str, folder: str, name: str) -> Standing | None:
        if self._session is None:
            return None
        typing = Typing(self._place, str(PurePath(folder, name)), folder)
        if name == HIDDEN:
            typing = Typing(self._place)
        own = public_keys(self._session.workspace).fingerprint
        return standing(Question(header, digest, self._session, own, typing))


@contextmanager
def judge_for(workspace: Workspace | None, place: str = "") -> Iterator[Judge]:
    """A judge by what a workspace knows now, good until the block ends."""
    if workspace is None:
        yield Judge(None, place)
        return
    with looking(workspace) as session:
        yield Judge(session, place)


def _length_trouble(header: Header, start: int, size: int) -> str:
    """What a file's length says against it; empty for nothing."""
    whole = start + header.body.length
    if size < whole:
        return f"bad: cut off, {size:,} of {whole:,} bytes are here"
    return f"bad: it is longer than it says, {size:,} and not {whole:,} bytes" if size > whole else ""


def _public_name(path: Path, header: Header, known: Known) -> str:
    """A file's name, if nothing in it but the names of the study and its parties could identify somebody."""
    rest = path.name
    names = {header.study or "", known.name, *(name for _, name in known.keys.values())}
    names |= {
        str(getattr(header, part, "")) for part in ("name", "coordinator_name", "owner_name", "hospital_name")
    }
    for word in sorted(filter(None, names), key=len, reverse=True):
        rest = rest.replace(word, "x")
    return path.name if lone_name(PurePath(rest)) == rest else HIDDEN


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:]
