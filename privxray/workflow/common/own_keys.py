"""The workspace's own long-lived keys: the private ones under the passphrase, the public ones beside them.

Tested in tests/cli/test_study.py and tests/cli/test_doctor.py.
"""

from __future__ import annotations

from privxray.errors import MalformedError, about
from privxray.keys import keyfile
from privxray.keys.identity import Identity, PublicKeys
from privxray.workflow.common.callbacks import Passphrase
from privxray.workspace.folder import Workspace


def unlock(workspace: Workspace, passphrase: Passphrase) -> Identity:
    """Open the workspace's identity.

    :raises WrongKeyError: the passphrase is wrong.
    """
    path = workspace.identity_path
    with about(path):
        return Identity.from_secret(keyfile.unlock(path.read_bytes(), passphrase()))


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
                advice="Restore the file from a backup",
            ) from None
