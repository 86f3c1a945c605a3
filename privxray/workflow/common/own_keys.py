"""The workspace's own long-lived keys: the private ones under the passphrase, the public ones beside them.

Tested in tests/cli/test_passphrase.py and tests/cli/test_doctor.py.
"""

from __future__ import annotations

from contextlib import suppress

from privxray.errors import MalformedError, PrivxrayError, RefusedError, about
from privxray.keys import keyfile
from privxray.keys.identity import Identity, PublicKeys
from privxray.system import locks
from privxray.workflow.common.callbacks import Passphrase
from privxray.workspace.atomic import write_atomic
from privxray.workspace.folder import Workspace


def unlock(workspace: Workspace, passphrase: Passphrase) -> Identity:
    """Open the workspace's identity. A key file of an earlier version is written anew.

    It stays under the same passphrase. If it can't be written, the old file stays, which opens as well.

    :raises WrongKeyError: the passphrase is wrong.
    """
    path = workspace.identity_path
    with about(path):
        kept = path.read_bytes()
        secret = keyfile.unlock(kept, passphrase())
        identity = Identity.from_secret(secret)
        if keyfile.is_outdated(kept):
            with suppress(OSError, PrivxrayError):
                replace_key_file(workspace, kept, keyfile.lock(secret, passphrase()))
    return identity


def replace_key_file(workspace: Workspace, before: bytes, after: bytes) -> None:
    """Put another key file in the place of the one that was read; after a crash one of the two is there.

    It has a lock of its own, because a command may open its keys before it locks the workspace. So a command
    that writes an old file anew never undoes a change of the passphrase that was made meanwhile.

    :raises RefusedError: another command has replaced the file, or is about to.
    """
    path = workspace.identity_path
    try:
        with locks.exclusive(path.with_suffix(".lock")):
            if path.read_bytes() == before:
                write_atomic(path, after, overwrite=True)
                return
    except locks.LockedError:
        pass
    raise RefusedError(
        "another privxray command has just changed the key file",
        reason="keyfile.changed-meanwhile",
        file=path,
        advice="Type the command again",
    )


def public_keys(workspace: Workspace) -> PublicKeys:
    """The workspace's own public keys, which need no passphrase.

    :raises MalformedError: their file is damaged.
    """
    path = workspace.identity_path.with_suffix(".pub")
    with about(path):
        try:
            return PublicKeys.model_validate_json(path.read_bytes())
        except ValueError:
            raise MalformedError(
                "the public keys are damaged",
                reason="workspace.public-keys-damaged",
                advice="Restore the file from a backup (privxray help backup)",
            ) from None
