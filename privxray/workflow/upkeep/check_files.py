"""``doctor``'s checks of the workspace's files: keys, permissions, and what a crash left.

Tested in tests/cli/test_doctor.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from privxray.system import folder_trust, locks, private_files
from privxray.workflow.common.own_keys import public_keys
from privxray.workflow.upkeep.diagnosis import Diagnosis, counted
from privxray.workspace.folder import Workspace

_PRIVATE = ("keys", "data", "rounds", "plans", "inbox", "inference", "log", "reports")
"""The folders that nobody but privxray puts files into."""
_TO_PASS_ON = {"hospital": "reports/*-privacy-??.html", "coordinator": "reports/*", "trustee": ""}
"""By role, the pages in them that are made to be passed on."""
_NAMED = 3  # how many files a line names


def keys(workspace: Workspace) -> Iterator[Diagnosis]:
    """Whether the identity is there. It is not opened, so no passphrase is asked for."""
    public_keys(workspace)
    if not workspace.identity_path.is_file() or not workspace.identity_path.stat().st_size:
        yield Diagnosis(
            "keys", "error", "keys/identity.key is gone", ("Restore it from a backup (privxray help backup)")
        )
    else:
        yield Diagnosis("keys", "ok", "keys/identity.key is there, locked by its passphrase")


def permissions(workspace: Workspace) -> Iterator[Diagnosis]:
    """Whether other accounts may change anything, or read what is private: folders as well as files."""
    private = [path for path in _private_files(workspace) if path.is_file() or path.is_dir()]
    changeable = [path for path in _all(workspace) if folder_trust.others_may_write(path)]
    readable = [path for path in private if private_files.others_may_read(path)]
    foreign = [path for path in private if private_files.is_of_another_account(path)]
    passphrase = Path(os.environ.get("PRIVXRAY_PASSPHRASE_FILE") or os.devnull)
    if readable:
        yield Diagnosis(
            "permissions",
            "error",
            f"other accounts may read {_named(workspace, readable)}",
            f"Type: {private_files.how_to_close(_tops(workspace, readable), folder=True)}",
        )
    elif changeable:
        tops = _tops(workspace, changeable)
        yield Diagnosis(
            "permissions",
            "error",
            f"other accounts may change {_named(workspace, changeable)}",
            f"Type: {folder_trust.how_to_close(f'-R {tops}')}",
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
            f"other accounts own {_named(workspace, foreign)}",
            "Give them to the account that runs privxray",
        )
    else:
        yield Diagnosis("permissions", "ok", "only this account may read what is private, or change anything")


def _named(workspace: Workspace, paths: list[Path]) -> str:
    """The first few, as seen from the workspace, and how many more there are."""
    names = [str(path.relative_to(workspace.root)) for path in paths]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _tops(workspace: Workspace, paths: list[Path]) -> str:
    """What lies in the workspace's own folder and holds them."""
    return " ".join(sorted({path.relative_to(workspace.root).parts[0] for path in paths}))


def _all(workspace: Workspace) -> Iterator[Path]:
    """All files and folders that privxray has made, or a person has put here; links are left out.

    The workspace's own folder and those above it were judged when it was opened.
    """
    for path in sorted(workspace.root.rglob("*")):
        if not path.is_symlink() and (path.is_file() or path.is_dir()):
            yield path


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
    pattern = _TO_PASS_ON[workspace.config.role]
    passed_on = set(workspace.root.glob(pattern)) if pattern else set()
    for part in _PRIVATE:
        if (workspace.root / part).is_dir():
            yield workspace.root / part
        yield from sorted(set((workspace.root / part).rglob("*")) - passed_on)
