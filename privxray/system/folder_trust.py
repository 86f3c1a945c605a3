"""Whether another account could put its own files in the place of ours.

Whoever may write in a folder, or in one above it, can exchange what lies in it: its configuration, its state,
its copies of plans. Git refuses such folders for the same reason (``safe.directory``), and sshd such keys
(``StrictModes``). docs/adr/0128 argues the rules, and who is trusted.

On Windows the folder itself is judged, by its owner and its access list, and none above it: the list of the
root of a drive lets everybody make folders there, and a workspace's own list takes nothing over from above.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from privxray.system import access_lists, win32

try:
    import grp
    import pwd
except ImportError:  # Windows
    grp = pwd = None  # type: ignore[assignment]

_OVERFLOW = 65534
"""How Linux shows the owner of a file whose account the user namespace does not have."""
_ROOT = 0


@dataclass(frozen=True)
class Distrust:
    """A folder that another account controls: it is its ``owner``, or is allowed to ``write`` in it."""

    folder: Path
    by: Literal["owner", "write"]


@dataclass(frozen=True)
class Account:
    """Who looks: the account's number, and those whose folders it trusts; None trusts every owner."""

    uid: int
    owners: frozenset[int] | None


def distrusted(folder: Path, *, named: bool) -> Distrust | None:
    """The first of a folder and those above it that another account controls; None where none is.

    :param folder: without links in its path.
    :param named: whether the person stands in the folder or named it, instead of being led to it by a search.
        Root may work in anybody's folder if it named it; others are not asked.
    """
    if win32.is_windows():
        return _distrusted_by_list(folder)
    account = _account(named=named)
    for place in (folder, *folder.parents):
        found = judge(place.stat(), account if place == folder else _above(account))
        if found is not None:
            return Distrust(place, found)
    return None


def judge(status: os.stat_result, account: Account) -> Literal["owner", "write"] | None:
    """What is wrong with a folder for an account; None where nothing is."""
    if account.owners is not None and status.st_uid not in account.owners:
        return "owner"
    return "write" if _others_may_write(status) else None


def others_may_write(path: Path) -> bool:
    """Whether accounts that are not trusted may write in a folder, or change a file.

    On a disk that keeps no permissions it is as the disk tells it.
    """
    if win32.is_windows():
        return access_lists.keeps_lists(path) and access_lists.others_may_write(path)
    return _others_may_write(path.stat())


def how_to_close(folder: str) -> str:
    """The command that takes the right to write away from others.

    :param folder: its path as it is typed.
    """
    if win32.is_windows():
        return access_lists.how_to_close_folder()
    return f"chmod go-w {folder}"


def _others_may_write(status: os.stat_result) -> bool:
    mode = status.st_mode
    if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:  # as in /tmp: nobody moves or deletes what is another's
        return False
    return bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_own_group(status)))


def _is_own_group(status: os.stat_result) -> bool:
    """Whether a group is root's, or has the owner alone, as each user's own group on many systems has."""
    if status.st_gid == _ROOT:
        return True
    if grp is None or pwd is None:
        return False
    try:
        group, owner = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid)
    except KeyError:
        return False
    return (
        group.gr_name == owner.pw_name
        and group.gr_gid == owner.pw_gid
        and set(group.gr_mem) <= {owner.pw_name}
    )


def _account(*, named: bool) -> Account:
    """The account of this process, as it looks at the workspace's own folder."""
    if not hasattr(os, "geteuid"):
        return Account(-1, None)
    uid = os.geteuid()
    if uid == _ROOT and named:
        return Account(uid, None)
    owners = {uid, _ROOT}
    if uid == _ROOT:
        with suppress(KeyError, ValueError):
            owners.add(int(os.environ["SUDO_UID"]))
    if _is_in_a_user_namespace():
        owners.add(_OVERFLOW)
    return Account(uid, frozenset(owners))


def _above(account: Account) -> Account:
    """The same account, as it looks at a folder above the workspace: root does not judge their owners."""
    return Account(account.uid, None) if account.uid == _ROOT else account


def _is_in_a_user_namespace() -> bool:
    """Whether root of the machine is not an account here, as in a rootless container or a sandbox of Nix."""
    try:
        told = Path("/proc/self/uid_map").read_text("ascii").split()
    except (OSError, UnicodeDecodeError):  # no Linux
        return False
    return told != ["0", "0", "4294967295"]


def _distrusted_by_list(folder: Path) -> Distrust | None:
    if not access_lists.keeps_lists(folder):
        return None
    if not access_lists.is_owned_here(folder):
        return Distrust(folder, "owner")
    return Distrust(folder, "write") if access_lists.others_may_write(folder) else None
