"""What a power cut must not take back: an answer that has left, a budget that is spent, a file.

Crashes of the process are tests/cli/test_crash.py's; a power cut can't be tried here, so what is tested is
that each layer asks for the strongest promise that it has.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from privxray.privacy import ledger_file
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.system import durable
from privxray.workspace import atomic
from privxray.workspace.atomic import write_atomic
from privxray.workspace.state import State

EXTRA = 3


def test_the_state_commits_through_folder_and_drive(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        asked = {name: state._db.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    assert asked == PRAGMAS | {"secure_delete": 1}


PRAGMAS = {"synchronous": EXTRA, "fullfsync": 1, "journal_mode": "delete", "secure_delete": 0}


def test_the_ledger_commits_through_folder_and_drive(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.create(path, Guarantee(10.0, 1e-5))
    with ledger_file.transaction(path) as database:
        asked = {name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    assert asked | {"secure_delete": 0} == PRAGMAS


@pytest.mark.parametrize("known", [True, False])
def test_files_go_through_the_drives_cache_where_the_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """As on macOS: F_FULLFSYNC on file and folder, and fsync where a file system does not know it."""
    whole, plain = [], []

    def full(descriptor: int, command: int) -> int:
        assert command == 51
        whole.append(descriptor)
        if not known:
            raise OSError(errno.ENOTSUP, "not supported")
        return 0

    monkeypatch.setattr(durable, "fcntl", SimpleNamespace(F_FULLFSYNC=51, fcntl=full))
    monkeypatch.setattr(os, "fsync", plain.append)
    write_atomic(tmp_path / "file", b"data")
    assert len(whole) == 2
    assert plain == ([] if known else whole)
    assert (tmp_path / "file").read_bytes() == b"data"


def test_a_new_private_folder_is_durable_and_so_are_its_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(atomic, "sync_folder", synced.append)
    atomic.make_private_folder(tmp_path / "rounds" / "pneumonia" / "0001")
    made = [
        tmp_path / "rounds",
        tmp_path / "rounds" / "pneumonia",
        tmp_path / "rounds" / "pneumonia" / "0001",
    ]
    assert synced == [folder.parent for folder in made]
    assert {folder.stat().st_mode & 0o777 for folder in made} == {0o700}
    atomic.make_private_folder(made[-1])
    assert len(synced) == 3
