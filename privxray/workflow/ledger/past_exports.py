"""The updates that left this hospital, as far as they lie in the workspace, and the ledger's state in them.

An update names the head that the privacy ledger had when it left. A ledger that never had it is older than
the update: it was put back from a backup, and what was spent since is missing in it.

Tested in tests/cli/test_ledger.py and tests/cli/test_doctor.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.exchange.messages.update import UpdateHeader
from privxray.privacy.ledger import Ledger
from privxray.workflow.common.own_keys import public_keys
from privxray.workspace.folder import Workspace


def newer_than(ledger: Ledger, workspace: Workspace, files: Iterable[Path] = ()) -> tuple[list[str], int]:
    """The updates whose head the ledger never had, by round and study, and how many were looked at.

    :param files: where to look besides what the workspace keeps and what lies in its ``updates``.
    """
    kept = [*workspace.root.glob("rounds/*/update.enc"), *workspace.updates.glob("*.enc")]
    stated = {
        (header.study, header.round, header.ledger_head)
        for header in _own_updates(workspace, [*kept, *files])
        if header.study  # which every update of ours names
    }
    known = {study: ledger.heads(study) for study in {study for study, _, _ in stated}}
    newer = [
        f"this hospital's update of round {number} of {study}"
        for study, number, head in sorted(stated)
        if head not in known[study]
    ]
    return newer, len(stated)


def _own_updates(workspace: Workspace, files: Iterable[Path]) -> Iterator[UpdateHeader]:
    """The headers that this hospital signed.

    Files that are no update, are damaged or are somebody else's are passed over: they say nothing here.
    """
    key = public_keys(workspace)
    for path in files:
        with suppress(PrivxrayError, OSError):
            envelope = envelope_of(path)
            if envelope.kind == "update" and envelope.key_id == key.fingerprint:
                yield envelope.verify(key.verifier(), UpdateHeader)
