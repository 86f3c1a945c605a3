"""``exports``: each file that ever left a workspace, from its record; and whether the files agree with it.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.formats.header import SUFFIXES
from privxray.system.regular_files import open_regular
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.inference.trust import known_parties
from privxray.workflow.upkeep.diagnosis import Diagnosis, counted
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, looking
from privxray.workspace.state_tables.sent_tables import SentFile

_ANYBODY = {
    "card": "the coordinator",
    "model": "every hospital",
    "summary": "every hospital",
    "offer": "any hospital",
    "model for other programs": "anybody",
}
_LEAVE_FROM = ("updates", "models", "offers", "queries", "answers")


@dataclass(frozen=True)
class Sent:
    """A file that left, and to whom, by name as far as the parties are known here."""

    file: SentFile
    to: str


def sent_files(workspace: Workspace, *, study: str | None = None) -> tuple[Sent, ...]:
    """The record, oldest first.

    :param study: of this study only.
    """
    with looking(workspace) as session:
        names = _names(session)
        return tuple(
            Sent(file, _to(file, names)) for file in session.state.sent() if study in (None, file.study)
        )


def _names(session: Session) -> dict[str, str]:
    return {keys.fingerprint: name for name, keys in known_parties(session.workspace, session.state)}


def _to(file: SentFile, names: dict[str, str]) -> str:
    if not file.recipients:
        return _ANYBODY.get(file.kind, "anybody")
    return ", ".join(sorted(names.get(one, one[:16]) for one in file.recipients))


def record_of_exports(session: Session) -> Iterator[Diagnosis]:
    """Whether the files that lie where they leave from are in the record, as they are."""
    sent = {file.sha256 for file in session.state.sent()}
    own = public_keys(session.workspace).fingerprint
    strangers = [path for path in _own_files(session.workspace.root, own) if _sha256(path) not in sent]
    if not strangers:
        what = f"every file that this workspace signed is in the record of {counted(len(sent), 'export')}"
        yield Diagnosis("exports", "ok", what)
        return
    names = ", ".join(str(path.relative_to(session.root)) for path in strangers[:3])
    more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
    yield Diagnosis(
        "exports",
        "notice",
        f"{names}{more}: signed here, and not in the record of what left",
        "An earlier version of privxray made it, or it was put there; privxray inspect FILE says what it is",
    )


def _own_files(root: Path, own: str) -> Iterator[Path]:
    """Files of privxray's that this workspace signed, where they leave from."""
    folders = [root, *(root / name for name in _LEAVE_FROM)]
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir()):
        if path.is_file() and path.suffix.removeprefix(".") in SUFFIXES:
            try:
                if envelope_of(path).key_id == own:
                    yield path
            except (PrivxrayError, OSError):
                continue  # not one of ours; inspect and doctor's other checks say what is wrong with it


def _sha256(path: Path) -> str:
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
