"""``passphrase``: the same keys under another passphrase.

Tested in tests/cli/test_passphrase.py.
"""

from __future__ import annotations

from privxray.errors import RefusedError, about
from privxray.keys import keyfile
from privxray.keys.identity import Identity
from privxray.workflow.common.callbacks import Passphrase
from privxray.workflow.common.own_keys import replace_key_file
from privxray.workspace.folder import Workspace


def change_passphrase(workspace: Workspace, old: Passphrase, new: Passphrase) -> None:
    """Lock the workspace's keys with another passphrase. After a crash one of the two opens them.

    Whoever has an earlier copy of the key file still opens that with the old passphrase.

    :raises WrongKeyError: the old passphrase is wrong.
    :raises RefusedError: the new one is the old one, or another command has just replaced the key file.
    """
    path = workspace.identity_path
    with about(path):
        kept = path.read_bytes()
        secret = keyfile.unlock(kept, old())
        Identity.from_secret(secret)
        if new() == old():
            raise RefusedError(
                "the new passphrase is the old one",
                reason="passphrase.unchanged",
                advice="Type another one, or leave it",
            )
        replace_key_file(workspace, kept, keyfile.lock(secret, new()))
