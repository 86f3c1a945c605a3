"""``doctor``'s checks of the workspace's files: keys, permissions, and what a crash left.

Tested in tests/cli/test_doctor.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from privxray.system import locks, private_files
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.upkeep.diagnosis import Diagnosis, counted
from privxray.workspace.folder import Workspace

_PRIVATE = ("keys", "data", "rounds", "plans", "inbox", "inference")
"""The folders that nobody but privxray puts files into."""
_NAMED = 3  # how many files a line names


def keys(workspace: Workspace) -> Iterator[Diagnosis]:
    """Whether the identity is there. It is not opened, so no passphrase is asked for."""
    public_keys(workspace)
    if not workspace.identity_path.is_file() or not workspace.identity_path.stat().st_size:
        yield Diagnosis("keys", "error", "keys/identity.key is gone", "Restore it from a backup")
    else:
        yield Diagnosis("keys", "ok", "keys/identity.key is there, locked by its passphrase")


def permissions(workspace: Workspace) -> Iterator[Diagnosis]:
    """Whether other accounts may read what is private."""
    private = [path for path in _private_files(workspace) if path.is_file()]
    readable = [path for path in private if private_files.others_may_read(path)]
    foreign = [path for path in private if private_files.is_of_another_account(path)]
    passphrase = Path(os.environ.get("PRIVXRAY_PASSPHRASE_FILE") or os.devnull)
    if readable:
        names = [str(path.relative_to(workspace.root)) for path in readable]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        folders = " ".join(sorted({Path(name).parts[0] for name in names}))
        yield Diagnosis(
            "permissions",
            "error",
            f"other accounts may read {', '.join(names[:_NAMED])}{more}",
            f"Type: {private_files.how_to_close(folders, folder=True)}",
        )
    elif passphrase.is_file() and private_files.others_may_read(passphrase):
        yield Diagnosis(
            "permissions",
            "error",
            "other accounts may read the file that PRIVXRAY_PASSPHRASE_FILE names",
            f"Type: {private_files.how_to_close('FILE', folder=False)}, and "
            "change the passphrase if others use this machine",
        )
    elif foreign:
        yield Diagnosis(
            "permissions",
            "notice",
            f"{counted(len(foreign), 'private file')} of another account",
            "Give them to the account that runs privxray",
        )
    else:
        yield Diagnosis("permissions", "ok", "only this account may read the private files")


def leftovers(workspace: Workspace) -> Iterator[Diagnosis]:
    """Half-written files of commands that were cut off."""
    if locks.is_locked(workspace.lock_path):
        yield Diagnosis(
            "leftovers", "notice", "another privxray command is at work", "Look again when it has ended"
        )
        return
    found = sum(1 for _ in workspace.root.rglob(".*.tmp"))
    if found:
        what = f"{counted(found, 'half-written file')} of a command that was cut off"
        yield Diagnosis("leftovers", "notice", what, "The next command that writes there removes it")
    else:
        yield Diagnosis("leftovers", "ok", "no half-written file")


def _private_files(workspace: Workspace) -> Iterator[Path]:
    yield workspace.state_path
    yield workspace.ledger_path
    for part in _PRIVATE:
        yield from sorted((workspace.root / part).rglob("*"))
