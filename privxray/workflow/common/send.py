"""Letting a file leave: noted first, in the record that ``privxray exports`` shows, then written.

Tested in tests/cli/test_exports.py.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from privxray.formats.container import split
from privxray.workflow.common.deliver import deliver, expect_free
from privxray.workflow.common.stamp import stamp
from privxray.workspace.state import State
from privxray.workspace.state_tables.sent_tables import SentFile


def send(state: State, data: bytes, path: Path, *, force: bool = False) -> bool:
    """Let a finished file of privxray's leave, outside of any transaction.

    :param force: replace another file of that name.
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
        force=force,
    )


def send_as(state: State, file: SentFile, data: bytes, path: Path, *, force: bool = False) -> bool:
    """Likewise a file of any kind.

    :param file: what is noted of it.
    """
    expect_free(data, path, force=force)
    with state.transaction():
        state.note_sent(file)
    return deliver(data, path, force=force)
