"""Whether a workspace is opened, or other accounts could change it.

Tested in tests/unit/test_folder_trust.py and tests/cli/test_folders.py.
"""

from __future__ import annotations

import os
from pathlib import Path

from privxray.errors import RefusedError
from privxray.system import folder_trust, names

TRUSTED = "PRIVXRAY_TRUSTED_FOLDERS"
"""An environment variable: the folders of workspaces that are opened though other accounts control them."""


def expect_trusted(folder: Path, *, named: bool = True) -> None:
    """Check that no other account could change a workspace (:mod:`privxray.system.folder_trust`).

    :param folder: the workspace's, without links in its path.
    :param named: whether the person stands in it or named it.
    :raises RefusedError: one can, and :data:`TRUSTED` does not name the folder.
    """
    found = folder_trust.distrusted(folder, named=named)
    if found is None or str(folder) in os.environ.get(TRUSTED, "").split(os.pathsep):
        return
    where = "this workspace" if found.folder == folder else "a folder above this workspace"
    way_out = f"Or, if you trust it, set {TRUSTED} to the workspace's folder"
    if found.by == "owner":
        raise RefusedError(
            f"{where} belongs to another account, which could change all that is in it",
            reason="workspace.of-another-account",
            file=found.folder,
            advice=f"Make the workspace in a folder of your own. {way_out}",
        )
    close = folder_trust.how_to_close(names.quoted(str(found.folder)))
    raise RefusedError(
        f"other accounts may write in {where}, and so could change all that is in it",
        reason="workspace.open-to-others",
        file=found.folder,
        advice=f"Type: {close} . If that changes nothing, the disk keeps no permissions: make the workspace "
        f"on the machine's own disk. {way_out}",
    )
