"""The updates that left this hospital, as far as they lie in the workspace, and the ledger's state in them.

An update names the head that the privacy ledger had when it left. A ledger that never had it is older than
the update: it was put back from a backup, and what was spent since is missing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from privxray.errors import PrivxrayError
from privxray.exchange.intake import envelope_of
from privxray.exchange.update import UpdateHeader
from privxray.workflow.common import public_keys
from privxray.workspace import Workspace


def exported_heads(
    workspace: Workspace, files: Iterable[Path] | None = None
) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Each update that this hospital signed, with its study and the ledger's head in it.

    Files that are no update, are damaged or are somebody else's are passed over: they say nothing here.

    :param files: where to look; by default all that the workspace keeps and what lies in its ``updates``.
    """
    key = public_keys(workspace)
    for path in kept_updates(workspace) if files is None else files:
        try:
            envelope = envelope_of(path)
            if envelope.kind != "update" or envelope.key_id != key.fingerprint:
                continue
            header = envelope.verify(key.verifier(), UpdateHeader)
        except (PrivxrayError, OSError):
            continue
        yield path, (header.study or "", header.ledger_head)


def kept_updates(workspace: Workspace) -> list[Path]:
    """What ``export-update`` keeps of each round, and the files in the folder that it writes to."""
    return sorted([*workspace.root.glob("rounds/*/update.enc"), *workspace.updates.glob("*.enc")])
