"""``backup``: what a workspace needs to go on elsewhere, in one file that only its passphrase opens.

Tested in tests/cli/test_backup.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privxray.errors import RefusedError
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import unlock
from privxray.workflow.common.stamp import stamp
from privxray.workflow.custody import backup_file
from privxray.workflow.custody.backup_file import Packed
from privxray.workflow.custody.copied_databases import copy_of, state_for_backup
from privxray.workspace.atomic import atomic_file
from privxray.workspace.config import CONFIG
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working

_FILES = {
    "hospital": ("plans/*.plan", "models/*", "rounds/*/update.enc", "rounds/*/answer.share"),
    "coordinator": (
        "plans/*.plan",
        "rounds/*/global.*",
        "rounds/*/*.request",
    ),
    "trustee": ("plans/*.plan", "rounds/*/answer.share"),
}
"""Files that left, or came from others: they open nothing. Images, results and audits stay out."""


@dataclass(frozen=True)
class BackedUp:
    """A backup: where it is, its size in bytes, and how many files it holds."""

    path: Path
    size: int
    files: int


def backup(workspace: Workspace, path: Path, passphrase: Passphrase) -> BackedUp:
    """Write a backup. No key of a round is in it, no result that has not left, and no image.

    :raises RefusedError: a file of this name is there, or it would lie in the workspace.
    """
    if path.resolve().is_relative_to(workspace.root.resolve()):
        raise RefusedError(
            "a backup inside the workspace is lost with it",
            reason="backup.inside-workspace",
            file=path,
            advice="Name a file on a stick or on another disk",
        )
    identity = unlock(workspace, passphrase)
    with working(workspace) as session:
        head = backup_file.new_head(
            stamp().created, workspace.identity_path.read_bytes(), session.name, session.role
        )
        files = _files(workspace)
        with atomic_file(path) as file:
            for piece in backup_file.written(head, identity, files):
                file.write(piece)
    return BackedUp(path, path.stat().st_size, len(files))


def _files(workspace: Workspace) -> list[Packed]:
    """The state comes first and the configuration last, as they are put back."""
    root, role = workspace.root, workspace.config.role
    found = [Packed("state.db", state_for_backup(workspace.state_path, role))]
    if role == "hospital":
        found.append(Packed("ledger.db", copy_of(workspace.ledger_path)))
    for pattern in ("keys/identity.pub", *_FILES[role]):
        found += [
            Packed(path.relative_to(root).as_posix(), path)
            for path in sorted(root.glob(pattern))
            if path.is_file() and not path.name.startswith(".")
        ]
    found.append(Packed(CONFIG, root / CONFIG))
    return found
