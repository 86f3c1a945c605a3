"""Letting a file leave: noted first, in the record that ``privxray exports`` shows, then written.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from privxray.formats.container import split
from privxray.system.regular_files import read_regular
from privxray.workflow.common.deliver import deliver, expect_free
from privxray.workflow.common.stamp import stamp
from privxray.workspace.state import State
from privxray.workspace.state_tables.sent_tables import SentFile


def send(state: State, data: bytes, path: Path, *, force: bool | None = None, renews: bool = False) -> bool:
    """Let a finished file of privxray's leave, outside of any transaction.

    :param force: replace another file of that name; None in a command that has no ``--force``.
    :param renews: replace one that is of the same kind, and that this workspace let leave before.
    :returns: whether it was written; otherwise the same bytes were there.
    :raises RefusedError: another file is there, and ``force`` is not set. Nothing is noted then.
    """
    header = json.loads(split(data).payload)
    return send_as(
        state,
        SentFile(
            at=stamp().created,
            kind=header["kind"],
            name=path.name,
            study=header["study"],
            round=header["round"],
            recipients=tuple(header["recipients"]),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            epsilon=header.get("epsilon") if header["kind"] == "update" else None,
            delta=header.get("delta") if header["kind"] == "update" else None,
        ),
        data,
        path,
        force=(renews and _left_before(state, header["kind"], path)) or force,
    )


def _left_before(state: State, kind: str, path: Path) -> bool:
    """Whether what lies there is a file of this kind that has left this workspace."""
    if not path.is_file():
        return False
    digest = hashlib.sha256(read_regular(path)).hexdigest()
    return any((one.kind, one.sha256) == (kind, digest) for one in state.sent())


def send_as(state: State, file: SentFile, data: bytes, path: Path, *, force: bool | None = None) -> bool:
    """Likewise a file of any kind.

    :param file: what is noted of it.
    """
    expect_free(data, path, force=force)
    with state.transaction():
        state.note_sent(file)
    return deliver(data, path, force=force)
