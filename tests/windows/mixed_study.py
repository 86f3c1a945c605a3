"""A whole study by commands, each a process, some parties on Linux and some on Windows under Wine.

    python tests/windows/mixed_study.py CACHE --windows hospital-a,hospital-c --mode keyholders
    python tests/windows/mixed_study.py CACHE --bundle dist/privxray-0.1.0-windows.zip

CACHE is the folder of tests/windows/setup.sh. Travelling files are written on one system, read on the other.
It prints each command with its seconds and exit code, and stops with 1 where one did not end with 0.

With --bundle the parties on Windows type privxray.cmd of that zip, unpacked below a folder with blanks and
umlauts. Its numpy is swapped for the 1.26.4 of CACHE: 2.x calls functions that Wine's C library lacks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cli")]
HOSPITALS = ("hospital-a", "hospital-b", "hospital-c", "hospital-d")
PASSPHRASE = "correct horse battery staple"


class Study:
    """The folders of the parties, and how each types."""

    def __init__(self, root: Path, cache: Path, windows: frozenset[str]) -> None:
        self.root, self.cache, self.windows = root, cache, windows
        self.bundle: Path | None = None
        self.seconds: dict[tuple[str, str], list[float]] = {}

    def type(self, party: str, *words: str, asks: bool = False) -> Any:
        """Type a command with ``--json`` in a party's folder, on its system; files by relative paths."""
        line = ["-m", "privxray", *words, "--json"]
        if asks:
            line += ["--passphrase-file", "passphrase"]
        folder = self.root / party
        if party in self.windows:
            environment = os.environ | {"WIN_PATH": seen_from_windows(ROOT)}
            if self.bundle:
                environment |= {"WIN_EXE": "cmd.exe", "WIN_SITE": "", "WIN_PATH": ""}
                line = ["/c", "call", seen_from_windows(self.bundle), *line[2:]]
            line = [str(self.cache / "win"), str(folder), *line]
        else:
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            line = [sys.executable, *line]
        start = time.monotonic()
        with Path(self.root, "out").open("w+b") as out, Path(self.root, "err").open("w+b") as err:
            # Into files: Wine's services live on and would hold a pipe open.
            done = subprocess.run(line, cwd=folder, env=environment, stdout=out, stderr=err, check=False)
            texts = [Path(stream.name).read_text("utf-8", "replace") for stream in (out, err)]
        seconds = time.monotonic() - start
        system = "Windows" if party in self.windows else "Linux"
        self.seconds.setdefault((words[0], system), []).append(seconds)
        print(
            f"{system:8} {party:12} {' '.join(words)[:70]:70} {done.returncode:3} {seconds:6.1f} s",
            flush=True,
        )
        if done.returncode:
            print(*[text[-2000:] for text in texts])
            sys.exit(1)
        return json.loads(texts[0])

    def carry(self, party: str, file: str, other: str, folder: str = "received") -> str:
        """Copy a file of one party to another's folder; its path there."""
        file = file.replace("Z:\\host", "").replace("\\", "/")
        target = self.root / other / folder
        target.mkdir(exist_ok=True)
        shutil.copy(self.root / party / file, target)
        return f"{folder}/{Path(file).name}"


def seen_from_windows(path: Path) -> str:
    """A path as the Windows Python sees it."""
    return "Z:\\host" + str(path).replace("/", "\\")


def unpacked(zipped: Path, folder: Path, cache: Path) -> Path:
    """The privxray.cmd of a bundle, unpacked into ``folder`` and with the numpy that Wine can run."""
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(folder)
    (top,) = folder.iterdir()
    for found in (top / "site").glob("numpy*"):
        shutil.rmtree(found)
    for found in (cache / "site").glob("numpy*"):
        if found.is_dir():
            shutil.copytree(found, top / "site" / found.name)
    return top / "privxray.cmd"


def play(study: Study, mode: str, method: str) -> None:
    """From ``init`` to a prediction on an encrypted image."""
    from played_study import draw_images

    hospitals = HOSPITALS[: 4 if mode == "keyholders" else 3]
    for place, party in enumerate(("coordinator", "clinic", *hospitals)):
        (study.root / party).mkdir()
        (study.root / party / "passphrase").write_bytes(PASSPHRASE.encode() + b"\r\n")
        (study.root / party / "passphrase").chmod(0o600)
        if party != "coordinator":
            draw_images(study.root / party / "source", place, patients=3 if party == "clinic" else 12)
    study.type("coordinator", "init", "--role", "coordinator", "--study", "pneumonia", asks=True)
    for party in hospitals:
        study.type(party, "init", "--role", "hospital", "--name", party, asks=True)
        study.carry(party, f"{party}.card", "coordinator", "cards")
    terms = ["--mode", mode, "--method", method]
    if mode == "keyholders":
        terms += [word for party in hospitals for word in ("--keyholder", party)]
    planned = study.type("coordinator", "plan", "cards/*.card", *terms, asks=True)
    for party in hospitals:
        plan = study.carry("coordinator", planned["plan"], party)
        study.type(party, "join", plan, "--key-words", planned["key_words"])
        study.type(party, "check", "source/images")
        study.type(party, "deidentify", "source/images", "clean", "--labels", "source/labels.csv")
        study.type(party, "ingest", "clean", "--labels", "clean/labels.csv")
        study.type(party, "train", "--epsilon", "6")
        study.carry(party, study.type(party, "export-update", asks=True)["update"], "coordinator", "updates")
    made = study.type("coordinator", "aggregate", "updates/*.enc", asks=True)
    if mode == "keyholders":
        for party in hospitals:
            request = study.carry("coordinator", made["request"], party)
            share = study.type(party, "unmask", request, asks=True)["share"]
            study.carry(party, share, "coordinator", "shares")
        made = study.type("coordinator", "aggregate", "shares/*.share", asks=True)
    for party in hospitals:
        model = study.carry("coordinator", made["model"], party)
        if made.get("proof"):
            study.carry("coordinator", made["proof"], party)
        study.type(party, "accept", model, asks=True)
        study.type(party, "evaluate")
        study.type(party, "status")
        study.type(party, "doctor")
    if method != "linear-probe":
        return
    offered = study.type("coordinator", "infer", "offer", asks=True)
    study.type("clinic", "init", "--role", "hospital", "--name", "clinic", asks=True)
    offer = study.carry("coordinator", offered["offer"], "clinic")
    image = sorted((study.root / "clinic" / "source" / "images").iterdir())[0].name
    words = ("--offer", offer, "--key-words", offered["key_words"])
    query = study.type("clinic", "infer", "ask", f"source/images/{image}", *words, asks=True)
    asked = study.carry("clinic", query["query"], "coordinator")
    answered = study.type(
        "coordinator", "infer", "answer", asked, "--key-words", query["key_words"], asks=True
    )
    answer = study.carry("coordinator", answered["answer"], "clinic")
    print(json.dumps(study.type("clinic", "infer", "read", answer, asks=True))[:300])


def main() -> None:
    """Play it, and print the median seconds of each command on each system."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--windows", default="hospital-a", help="parties on Windows, by commas, or `all`")
    parser.add_argument("--bundle", type=Path, help="a zip of make bundle-windows")
    parser.add_argument("--mode", default="strict", choices=("strict", "keyholders"))
    parser.add_argument("--method", default="linear-probe", choices=("linear-probe", "dp-sgd"))
    options = parser.parse_args()
    named = ("coordinator", "clinic", *HOSPITALS) if options.windows == "all" else options.windows.split(",")
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder), options.cache.resolve(), frozenset(named))
        if options.bundle:
            study.bundle = unpacked(options.bundle, Path(folder, "Stick für Ärzte"), study.cache)
        start = time.monotonic()
        play(study, options.mode, options.method)
        print(f"the study took {time.monotonic() - start:.0f} s")
        for (command, system), seconds in sorted(study.seconds.items()):
            print(
                f"{command:14} {system:8} {sorted(seconds)[len(seconds) // 2]:6.1f} s, {len(seconds)} times"
            )


if __name__ == "__main__":
    main()
