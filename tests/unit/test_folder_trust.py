"""Which folders an account trusts: by owner and by who may write there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from forged_files import refused

from privxray.system import access_lists, folder_trust, win32
from privxray.system.folder_trust import Account, Distrust, distrusted, judge
from privxray.workspace.config import Config
from privxray.workspace.folder import Workspace
from privxray.workspace.trusted_folder import TRUSTED

OWN, OTHER = 1000, 1001
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has access lists")


def status(mode: int, uid: int = OWN, gid: int = OWN) -> os.stat_result:
    return os.stat_result((stat.S_IFDIR | mode, 1, 1, 2, uid, gid, 0, 0, 0, 0))


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts ana (1000, with a group of her own) and staff (50), and a group ben of two accounts (1001)."""
    names = {OWN: ("ana", []), OTHER: ("ben", ["ana"]), 50: ("staff", [])}
    group = {gid: SimpleNamespace(gr_name=name, gr_gid=gid, gr_mem=who) for gid, (name, who) in names.items()}
    user = {uid: SimpleNamespace(pw_name=name, pw_gid=uid) for uid, name in ((OWN, "ana"), (OTHER, "ben"))}
    monkeypatch.setattr(folder_trust, "grp", SimpleNamespace(getgrgid=group.__getitem__))
    monkeypatch.setattr(folder_trust, "pwd", SimpleNamespace(getpwuid=user.__getitem__))


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize(
    ("folder", "wrong"),
    [
        (status(0o700), None),
        (status(0o755), None),
        (status(0o775), None),  # a group of her own
        (status(0o775, gid=0), None),
        (status(0o755, uid=0), None),
        (status(0o1777, uid=0), None),  # /tmp
        (status(0o1775, gid=50), None),
        (status(0o777), "write"),
        (status(0o702), "write"),
        (status(0o775, gid=50), "write"),
        (status(0o775, gid=99), "write"),  # a group that nobody knows
        (status(0o775, gid=OTHER), "write"),
        (status(0o775, uid=OTHER, gid=OTHER), "owner"),
        (status(0o700, uid=OTHER), "owner"),
        (status(0o1777, uid=OTHER), "owner"),  # whoever owns it may exchange what lies in it
    ],
)
def test_a_folder_for_an_ordinary_account(folder: os.stat_result, wrong: str | None) -> None:
    assert judge(folder, Account(OWN, frozenset({OWN, 0}))) == wrong


@pytest.mark.usefixtures("groups")
def test_an_account_that_trusts_every_owner_still_looks_at_who_may_write() -> None:
    assert judge(status(0o755, uid=OTHER), Account(0, None)) is None
    assert judge(status(0o777, uid=OTHER), Account(0, None)) == "write"
    assert judge(status(0o775, uid=OTHER, gid=OTHER), Account(0, None)) == "write"  # ana is in ben's group


@posix
def test_who_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root trusts every owner of a folder that it named, and whoever typed sudo in one that it came upon."""
    namespace = False
    monkeypatch.setattr(folder_trust, "_is_in_a_user_namespace", lambda: namespace)
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: OWN)
    for named in (True, False):
        assert folder_trust._account(named=named) == Account(OWN, frozenset({OWN, 0}))
    assert folder_trust._above(Account(OWN, frozenset({OWN, 0}))).owners == {OWN, 0}
    monkeypatch.setenv("SUDO_UID", str(OTHER))
    assert folder_trust._account(named=True).owners == {OWN, 0}  # anybody can set it
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert folder_trust._account(named=True).owners is None
    assert folder_trust._account(named=False).owners == {0, OTHER}
    assert folder_trust._above(Account(0, frozenset({0}))).owners is None
    monkeypatch.setenv("SUDO_UID", "ben")
    namespace = True
    assert folder_trust._account(named=False).owners == {0, 65534}


@posix
def test_every_folder_above_is_judged(tmp_path: Path) -> None:
    middle = tmp_path / "middle"
    lowest = middle / "lowest"
    lowest.mkdir(parents=True)
    assert distrusted(lowest.resolve(), named=True) is None
    middle.chmod(0o777)
    assert distrusted(lowest.resolve(), named=True) == Distrust(middle.resolve(), "write")
    middle.chmod(0o1777)
    assert distrusted(lowest.resolve(), named=True) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_root_works_in_anybody_s_workspace_if_it_names_it(tmp_path: Path) -> None:
    """As in a container whose folders come from outside; a search upwards does not lead it there."""
    Workspace.create(tmp_path, Config(role="hospital", name="a"))
    below = tmp_path / "below"
    below.mkdir()
    os.chown(tmp_path, OTHER, OTHER)
    assert Workspace.find(tmp_path).config.name == "a"
    with refused("workspace.of-another-account"):
        Workspace.find(below)


@posix
def test_a_workspace_that_others_may_write_in_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "privxray.yaml").write_text("no configuration: [")
    root.chmod(0o777)
    with refused("workspace.open-to-others"):
        Workspace.find(root)
    with monkeypatch.context() as patch:
        patch.setenv(TRUSTED, f"/elsewhere{os.pathsep}{root.resolve()}")
        with refused("workspace.config-damaged"):
            Workspace.find(root)
        patch.setenv(TRUSTED, f"*{os.pathsep}{tmp_path}")
        with refused("workspace.open-to-others"):
            Workspace.find(root)


def test_a_folder_on_windows_is_judged_by_its_owner_and_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "S-1-5-21-1-2-3-1001"
    asked: dict[str, Any] = {"owner": own, "list": f"D:P(A;OICI;FA;;;{own})(A;OICI;FA;;;SY)", "keeps": True}
    monkeypatch.setattr(win32, "is_windows", lambda: True)
    monkeypatch.setattr(access_lists, "own_sids", lambda: frozenset({own}))
    monkeypatch.setattr(access_lists, "keeps_lists", lambda _: asked["keeps"])
    monkeypatch.setattr(access_lists, "owner", lambda _: asked["owner"])
    monkeypatch.setattr(access_lists, "read_back", lambda *_: asked["list"])
    assert distrusted(tmp_path, named=True) is None
    everybody_adds = "D:(A;OICI;FA;;;SY)(A;;LC;;;AU)"
    for listed, wrong in (
        ("D:(A;OICIIO;SDGXGWGR;;;AU)(A;;0x1200a9;;;BU)(A;;FA;;;BA)", False),  # to files made here; reading
        (everybody_adds, True),
        ("D:(A;;0x1301bf;;;AU)", True),
        ("D:(A;;2;;;AU)", True),
        ("D:NO_ACCESS_CONTROL", True),
        ("O:BA", True),
    ):
        asked["list"] = listed
        assert distrusted(tmp_path, named=True) == (Distrust(tmp_path, "write") if wrong else None), listed
        assert folder_trust.others_may_write(tmp_path) is wrong
    asked["keeps"] = False  # a stick: `init` says so
    assert distrusted(tmp_path, named=True) is None
    asked |= {"keeps": True, "owner": "S-1-5-21-1-2-3-1002"}
    assert distrusted(tmp_path, named=True) == Distrust(tmp_path, "owner")
