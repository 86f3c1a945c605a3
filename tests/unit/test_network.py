"""The network block of the suite is real, here and in child processes."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest


def test_no_test_can_connect() -> None:
    with pytest.raises(AssertionError, match="network"):
        socket.create_connection(("127.0.0.1", 9))
    with socket.socket() as one, pytest.raises(AssertionError, match="network"):
        one.connect(("127.0.0.1", 9))


def test_no_child_process_can_connect() -> None:
    code = "import socket; socket.socket().connect(('127.0.0.1', 9))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert child.returncode == 1
    assert "privxray must not use the network" in child.stderr
