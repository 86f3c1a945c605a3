"""A path from outside is opened only if it is a regular file, and nothing is waited for."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from privxray.system.regular_files import NotRegularError, open_regular, read_regular

posix = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only root makes a socket so")


def test_a_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"one\r\ntwo\x1a\n")  # what a text mode would change
    assert read_regular(file) == b"one\r\ntwo\x1a\n"
    link.symlink_to(file)
    with open_regular(link) as stream:
        assert stream.read(3) == b"one"
        assert not os.get_inheritable(stream.fileno())


def test_a_folder_and_nothing_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")


@posix
def test_pipes_sockets_and_devices_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "link").symlink_to("pipe")
    os.mknod("socket", stat.S_IFSOCK | 0o600)
    for name in ("pipe", "link", "socket", "/dev/zero"):
        with pytest.raises(NotRegularError):
            open_regular(Path(name))


@posix
def test_a_pipe_that_takes_a_files_place_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening."""
    file = tmp_path / "file"
    file.write_bytes(b"bytes")
    real, opened = os.open, []

    def swapped(path: Path, flags: int) -> int:
        file.unlink()
        os.mkfifo(file)
        opened.append(real(path, flags))
        return opened[0]

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(NotRegularError):
        open_regular(file)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(opened[0])
