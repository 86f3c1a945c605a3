"""One party of a played study: its workspace, and the commands that are typed in it.

Tested in tests/cli/test_demo.py.
"""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.errors import PrivxrayError
from privxray.workspace.atomic import make_private_folder, write_atomic

Run = Callable[[list[str]], int]
"""Runs one ``privxray`` command in this process and returns its exit code."""


class DemoError(PrivxrayError):
    """A command of the demo failed. The demo ends with the same reason, advice and exit code."""

    def __init__(self, what: str, *, exit_code: int, reason: str, advice: str = "") -> None:
        super().__init__(what, reason=reason, advice=advice)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Party:
    """A coordinator, a hospital or a clinic.

    :param name: as the other parties see it.
    :param folder: its workspace.
    :param passphrase: a file with its passphrase. Only a demo keeps one beside the workspaces.
    """

    name: str
    folder: Path
    passphrase: Path
    run: Run

    def type(self, *words: str | Path, asks: bool = False) -> dict[str, Any]:
        """Type ``privxray -C <folder> WORDS --json`` and return the JSON object that it prints.

        :param asks: give the passphrase file, for a command that signs or opens.
        :raises DemoError: the command failed.
        """
        line = ["-C", str(self.folder), *map(str, words)]
        if asks:
            line += ["--passphrase-file", str(self.passphrase)]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _nobody_to_ask():
            code = self.run([*line, "--json"])
        if code:
            raise self._failed(str(words[0]), code, out.getvalue(), err.getvalue())
        told: dict[str, Any] = json.loads(out.getvalue())
        return told

    def _failed(self, command: str, code: int, out: str, err: str) -> DemoError:
        """What the command said, as an error of the demo; one of its own where images are not clean."""
        start = f"`privxray {command}` at {self.name} failed: "
        told = json.loads(out).get("error") if out.strip() else None
        if told is None or told["reason"] == "ingest.check-failed":
            lines = err.strip().splitlines() or [f"exit code {code}"]
            return DemoError(
                start + lines[-1].removeprefix("privxray: "), exit_code=code, reason="demo.images-not-clean"
            )
        file = f"{told['file']}: " if told.get("file") else ""
        return DemoError(
            f"{start}{file}{told['what']}",
            exit_code=code,
            reason=told["reason"],
            advice=told.get("advice", ""),
        )


@contextlib.contextmanager
def _nobody_to_ask() -> Iterator[None]:
    """No terminal: a command that asked would wait for an answer to a question that nobody sees."""
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


def make_party(root: Path, name: str, run: Run) -> Party:
    """Make an empty folder for a party below ``root``, and a passphrase."""
    folder = root / name
    make_private_folder(folder)
    passphrase = root / "passphrases" / name
    make_private_folder(passphrase.parent)
    write_atomic(passphrase, secrets.token_urlsafe(18).encode())
    return Party(name, folder, passphrase, run)


def carry(file: Path, folder: Path) -> Path:
    """Copy a file to another party, as a person does with a memory stick; a model's proof goes with it.

    :returns: the copy's path.
    """
    make_private_folder(folder)
    proof = file.with_suffix(".proof")
    if file.suffix == ".model" and proof.exists():
        shutil.copy(proof, folder / proof.name)
    return Path(shutil.copy(file, folder / file.name))
