"""The network block of the suite is real, here and in child processes."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

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


def test_one_script_alone_opens_connections() -> None:
    """It talks to an Orthanc on the loopback interface, in a process without the block."""
    tests = Path(__file__).parents[1]
    used = re.compile(
        r"^\s*(?:import|from) (?:socket|http|urllib\.request|asyncio|ftplib|smtplib)\b", re.MULTILINE
    )
    found = {
        path.relative_to(tests).as_posix() for path in tests.rglob("*.py") if used.search(path.read_text())
    }
    assert found - {"netblock/sitecustomize.py", "unit/test_network.py"} == {"orthanc/export.py"}
    assert '"-I"' in (tests / "cli" / "test_pacs_exports.py").read_text()
