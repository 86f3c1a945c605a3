"""``distrust``: a key that is given up, or replaced by its recovery key, is refused from now on.

Tested in tests/cli/test_revocation.py and tests/cli/test_recovery.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError
from privxray.exchange.intake import Received, take_in
from privxray.formats.header import Fingerprint
from privxray.keys.revocation import read_revocation
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.custody.named_successor import take_recovery
from privxray.workflow.custody.revoked import BY_RECOVERY
from privxray.workspace.folder import Workspace
from privxray.workspace.session import Session, working


@dataclass(frozen=True)
class Distrusted:
    """A key that is refused from now on: whose, why, and which one is named in its place.

    :param notes: what a person should heed, in plain words.
    :param already: it was refused before.
    """

    name: str
    key: Fingerprint
    why: str
    successor: Fingerprint | None
    notes: tuple[str, ...]
    already: bool


def distrust(workspace: Workspace, path: Path) -> Distrusted:
    """Take in a revocation, or the succession of a party: no file of that key is taken in, in any study.

    :raises IdentityError: the key that it is about, or its recovery key, has not signed it.
    :raises RefusedError: it is about this workspace's own key.
    """
    with working(workspace) as session, take_in(path, workspace.inbox) as received:
        if received.envelope.kind == "succession":
            taken = take_recovery(session, received)
            header = taken.header
            return Distrusted(header.name, header.old, BY_RECOVERY, header.sender, taken.notes, taken.already)
        return _take_revocation(session, received)


def _take_revocation(session: Session, received: Received) -> Distrusted:
    header, state = read_revocation(received.envelope), session.state
    received.check_body(header.body)
    if header.sender == public_keys(session.workspace).fingerprint:
        raise RefusedError(
            "this revocation is about this workspace's own key",
            reason="revocation.own",
            advice="It is for the others: carry it to the coordinator, the hospitals and models' owners",
        )
    successor = header.successor.fingerprint if header.successor else None
    already = state.revoked(header.sender) is not None
    notes: tuple[str, ...] = ()
    if not already:
        with state.transaction():
            state.revoke(header.sender, header.name, header.why, successor)
    elif successor is not None:
        named = state.successors().get(header.sender)
        if named is not None and named[0] != successor:
            notes = (
                f"the key {named[0][:16]} was named in its place before, and that one counts: call "
                f"{header.name}",
            )
    return Distrusted(header.name, header.sender, header.why, successor, notes, already)
