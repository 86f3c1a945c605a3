"""Has a real Orthanc export images: ``python -I tests/orthanc/export.py ORTHANC FOLDER OUT``.

It starts Orthanc on a free port of the loopback interface, sends it the files of FOLDER, and writes for each
patient ``OUT/N-archive.zip`` (folders by patient, study and series) and ``OUT/N-media.zip`` (a DICOMDIR with
numbered files). Orthanc is stopped at the end.

This is the one place of the tests that opens a connection. It runs in a process of its own, with ``-I``, so
that Python does not load the block in tests/netblock, and it refuses every address but 127.0.0.1. Nothing of
privxray is loaded here.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    try:
        connection.request(method, path, body)
        assert connection.sock is not None
        assert connection.sock.getpeername()[0] == LOOPBACK
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(f"Orthanc answered {answer.status} to {method} {path}")
        return data
    finally:
        connection.close()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        if server.poll() is not None:
            raise SystemExit("Orthanc ended by itself")
        try:
            ask(port, "GET", "/system")
            return
        except OSError:
            if time.monotonic() > until:
                raise SystemExit("Orthanc did not answer") from None
            time.sleep(0.1)


def export(orthanc: str, folder: Path, out: Path) -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        settings: dict[str, Any] = {
            "StorageDirectory": str(Path(place, "storage")),
            "IndexDirectory": str(Path(place, "storage")),
            "HttpPort": port,
            "RemoteAccessAllowed": False,  # on loopback only
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
            "OrthancExplorerEnabled": False,
            "Plugins": [],
        }
        path = Path(place, "orthanc.json")
        path.write_text(json.dumps(settings))
        server = subprocess.Popen(
            [orthanc, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place
        )
        try:
            wait_for(port, server)
            for file in sorted(folder.iterdir()):
                ask(port, "POST", "/instances", file.read_bytes())
            out.mkdir(exist_ok=True)
            for number, patient in enumerate(sorted(json.loads(ask(port, "GET", "/patients")))):
                for kind in ("archive", "media"):
                    data = ask(port, "GET", f"/patients/{patient}/{kind}")
                    Path(out, f"{number}-{kind}.zip").write_bytes(data)
        finally:
            server.terminate()
            server.wait(PATIENCE)


if __name__ == "__main__":
    export(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
