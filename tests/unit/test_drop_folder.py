"""Which files of a drop folder are looked at, and when one counts as whole."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from refusals import refused

from privxray.formats.header import SUFFIXES
from privxray.workflow.upkeep.arrivals.standing import fits_anywhere
from privxray.workflow.upkeep.arrivals.watching import Watch
from privxray.workflow.upkeep.header_classes import HEADERS
from privxray.workspace import drop_folder
from privxray.workspace.drop_folder import listing

posix = pytest.mark.skipif(os.name == "nt", reason="needs links and named pipes")


def test_every_kind_of_file_has_something_to_do() -> None:
    assert fits_anywhere() == set(HEADERS.values())


def test_only_files_that_are_called_like_files_that_travel_are_looked_at(tmp_path: Path) -> None:
    for name in ("a.plan", "b.enc", "c.plan.tmp", "d.enc.part", ".e.plan", "f.txt", "noname"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.plan").mkdir()
    found = listing(tmp_path, SUFFIXES, 10)
    assert [one.path.name for one in found.files] == ["a.plan", "b.enc"]
    assert (found.others, found.passed_over) == (3, 0)  # f.txt, noname and the folder


@posix
def test_links_and_pipes_are_not_followed_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "link.plan").symlink_to(tmp_path / "outside")
    os.mkfifo(drop / "pipe.plan")
    assert listing(drop, SUFFIXES, 10).files == ()
    assert Watch(drop, None).look(settled=True) == []


def test_more_files_than_are_looked_at_are_counted(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.plan").write_bytes(b"x")
    found = listing(tmp_path, SUFFIXES, 10)
    assert [one.path.name for one in found.files] == [f"{number:02}.plan" for number in range(10)]
    assert found.passed_over == 2


def test_of_a_very_full_folder_not_every_name_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_folder, "MOST_NAMES", 5)
    for number in range(9):
        (tmp_path / f"{number}.plan").write_bytes(b"x")
    assert len(listing(tmp_path, SUFFIXES, 100).files) == 5


def test_a_thousand_junk_files_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1000):
        (tmp_path / f"junk-{number}.bin").write_bytes(b"x")
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *seen, **_: opened.append(seen))
    watch = Watch(tmp_path, None)
    start = time.process_time()
    for _ in range(10):
        assert watch.look() == []
    assert opened == []
    assert time.process_time() - start < 1.0


def test_a_file_is_told_when_it_has_stopped_growing_and_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "a.plan"
    watch = Watch(tmp_path, None)
    file.write_bytes(b"x")
    assert watch.look() == []  # it may still grow
    file.write_bytes(b"xy")
    assert watch.look() == []
    (arrival,) = watch.look()
    assert (arrival.name, arrival.kind) == ("a.plan", None)
    assert watch.look() == []
    file.write_bytes(b"xyz")
    assert watch.look() == []
    assert len(watch.look()) == 1
    file.unlink()
    assert watch.look() == []
    file.write_bytes(b"x")
    assert watch.look(settled=True) != []


def test_a_folder_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.plan").write_bytes(b"x")
    watch = Watch(drop, None)
    assert len(watch.look(settled=True)) == 1
    drop.rename(tmp_path / "away")
    assert watch.look() == []
    (tmp_path / "away").rename(drop)
    assert watch.look() == []  # it was told
    refused("status.no-folder", lambda: Watch(tmp_path / "none", None))


def test_no_more_is_read_of_a_full_folder_than_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from privxray.workflow.upkeep.arrivals import judge

    monkeypatch.setattr(judge, "MOST_READ", 60)
    start = b"PRIVXRAY\x01" + (50).to_bytes(4, "big") + b"x" * 50
    for number in range(3):
        (tmp_path / f"{number}.plan").write_bytes(start)
    watch = Watch(tmp_path, None)
    assert [one.name for one in watch.look(settled=True)] == ["0.plan"]
    assert [one.name for one in watch.look(settled=True)] == ["1.plan"]
