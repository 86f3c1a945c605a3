"""Judging a file that came: its signed start is read, and its body is not.

Tested in tests/cli/test_arrivals.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from privxray.errors import IdentityError, PrivxrayError, StrangeFileError
from privxray.exchange.intake import envelope_of
from privxray.formats.container import MAX_ENVELOPE
from privxray.formats.header import Header
from privxray.naming.public_names import lone_name
from privxray.system.names import as_advised
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.upkeep.arrivals.arrival import HIDDEN, Arrival, public_file_name
from privxray.workflow.upkeep.arrivals.question import Question, Standing, Typing
from privxray.workflow.upkeep.arrivals.standing import standing
from privxray.workflow.upkeep.file_summaries.summary_of import summary_of
from privxray.workflow.upkeep.header_classes import HEADERS
from privxray.workflow.upkeep.known_signers import NOBODY_KNOWN, Known, known_in
from privxray.workspace.drop_folder import Candidate
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, looking

MOST_READ = 16 * 1024 * 1024
"""Bytes that are read for one look at a folder; anybody may put files there."""
_ANEW = "ask its sender for the file again"


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
        told = summary_of(header, envelope.digest, self._known.reader)
        key, words = self._known.signer(header, envelope.key_id)
        name = public_file_name(path, self._words(header))
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

    def _words(self, header: Header) -> set[str]:
        """The names that a file's own name may hold: of the study and of its parties."""
        parts = ("name", "coordinator_name", "owner_name", "hospital_name")
        own = {str(getattr(header, part, "")) for part in parts}
        return own | {header.study or "", self._known.name, *(name for _, name in self._known.keys.values())}

    def _standing(self, header: Header, digest: str, folder: str, name: str) -> Standing | None:
        if self._session is None:
            return None
        typing = Typing(self._place, as_advised(PurePath(folder, name)), folder)
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


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:]
