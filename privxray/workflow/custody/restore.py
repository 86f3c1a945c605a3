"""``restore``: a workspace out of its backup, in an empty folder.

What was spent, answered or counted after the backup is not in it. So no round of the backup is open any more
(:mod:`.copied_databases`), and a hospital has to say what was spent since, which is charged.

Tested in tests/cli/test_backup.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from privxray.errors import BudgetError, MalformedError, RefusedError, about
from privxray.keys import keyfile
from privxray.keys.identity import Identity
from privxray.privacy.accountant import calibrate
from privxray.privacy.events import Event
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.system.private_files import own_folder
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.fresh_card import fresh_card
from privxray.workflow.common.init_workspace import expect_free
from privxray.workflow.custody import backup_file
from privxray.workflow.custody.backup_file import Head
from privxray.workflow.ledger.open_ledger import RESTORED, SPENT_BEYOND
from privxray.workspace.atomic import atomic_file, make_private_folder, write_atomic
from privxray.workspace.config import CONFIG, Config
from privxray.workspace.folder import Workspace
from privxray.workspace.session import working
from privxray.workspace.trusted_folder import expect_trusted

SINCE = "spent after a backup"
"""What the ledger calls what was spent between a backup and its restoring. No study has such a name."""
_MARK = ".restoring"
_REMAINS = ("state.db", "ledger.db", "keys/identity.key")


@dataclass(frozen=True)
class Restored:
    """A workspace that is there again.

    :ivar created: when its backup was made.
    :ivar used_up: whether what was spent since is more than the lifetime limit allows.
    """

    workspace: Workspace
    created: str
    used_up: bool


def restore(root: Path, path: Path, passphrase: Passphrase, spent: Callable[[str], float]) -> Restored:
    """Make the workspace of a backup again; typed again after a crash, it goes on.

    :param root: the folder; made where there is none.
    :param spent: gives, for the time of the backup, the epsilon that a hospital has spent since; 0 for none.
    :raises RefusedError: there is a workspace here or above, or what is left of one.
    :raises WrongKeyError: the passphrase is not the one that the backup was made under.
    :raises MalformedError: the backup is damaged.
    """
    expect_free(root)
    make_private_folder(root)
    own_folder(root)
    expect_trusted(root.resolve())
    _expect_no_remains(root)
    with backup_file.opened(path) as (head, file), about(path):
        secret = keyfile.unlock(head.key_file.encode(), passphrase())
        identity = Identity.from_secret(secret)
        start = file.tell()
        config = _config_of(head, identity, file)  # the whole backup is verified before any of it is written
        epsilon = spent(head.created) if head.role == "hospital" else 0.0
        file.seek(start)
        workspace = Workspace(root, config)
        used_up = _put_back(workspace, head, identity, file, epsilon)
    if config.role != "coordinator":
        fresh_card(workspace, passphrase)
    return Restored(workspace, head.created, used_up)


def _expect_no_remains(root: Path) -> None:
    if (root / _MARK).exists():  # of a restore that was cut off
        return
    left = next((root / name for name in _REMAINS if (root / name).exists()), None)
    if left is not None:
        raise RefusedError(
            "this is left of a workspace, and may be newer than the backup",
            reason="restore.remains",
            file=left,
            advice="Restore into an empty folder. If this is a hospital's ledger.db, it knows more than the "
            "backup: keep it",
        )


def _config_of(head: Head, identity: Identity, file: IO[bytes]) -> Config:
    """Read the whole backup once; its configuration."""
    found = None
    for path, pieces in backup_file.unpacked(head, identity, file):
        content = b"".join(pieces) if path == CONFIG else b""
        for _ in pieces:
            pass
        if path == CONFIG:
            found = Config.read(content)
    if found is None or (found.name, found.role) != (head.name, head.role):
        raise MalformedError("the backup is damaged", reason="backup.damaged", advice="Take another backup")
    return found


def _put_back(workspace: Workspace, head: Head, identity: Identity, file: IO[bytes], epsilon: float) -> bool:
    """Write everything, and the configuration last; whether the budget is used up."""
    root, used_up = workspace.root, False
    with workspace.locked():
        write_atomic(root / _MARK, b"", overwrite=True)
        for journal in root.glob("*.db-*"):
            journal.unlink()  # of a restore that was cut off: it belongs to another file of that name
        make_private_folder(workspace.identity_path.parent)
        write_atomic(workspace.identity_path, head.key_file.encode(), overwrite=True)
        config = b""
        for path, pieces in backup_file.unpacked(head, identity, file):
            if path == CONFIG:
                config = b"".join(pieces)
                continue
            make_private_folder((root / path).parent)
            with atomic_file(root / path, overwrite=True) as target:
                for piece in pieces:
                    target.write(piece)
    with working(workspace) as session:
        for folder in (workspace.updates, workspace.models, workspace.incoming):
            make_private_folder(folder)
        with session.state.transaction():
            session.state.set_setting(RESTORED, head.created)
        if epsilon > 0:
            used_up = not _charge(Ledger.open(workspace.ledger_path), head.created, epsilon)
        if used_up:
            with session.state.transaction():
                session.state.set_setting(SPENT_BEYOND, head.created)
        write_atomic(root / CONFIG, config)
        (root / _MARK).unlink(missing_ok=True)
    return used_up


def _charge(ledger: Ledger, since: str, epsilon: float) -> bool:
    """Charge what was spent since the backup; whether the lifetime limit has room for it."""
    noise = calibrate(
        lambda scale: [Event(kind="gaussian", noise=scale)], Guarantee(epsilon, ledger.limit.delta)
    )
    run = f"since-{since}"
    try:
        ledger.reserve(SINCE, run, [Event(kind="gaussian", noise=noise)])
    except BudgetError:
        return False
    ledger.begin(SINCE, run)
    ledger.finish(SINCE, run)
    return True
