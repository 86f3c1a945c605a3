"""A study played through the commands, stage by stage, on small drawn images."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from PIL import Image

from privxray.cli.app import run
from privxray.explanations.catalogue import reasons
from privxray.keys import keyfile
from privxray.keys.identity import Identity
from privxray.system import private_files
from privxray.workspace.folder import Workspace

# Commands typed in this process make key files whose passphrase is cheap to try; tests/unit/test_keys.py and
# the subprocesses of this folder run at full cost.
assert keyfile.lock.__kwdefaults__ == {"cost": keyfile.COST}
keyfile.lock.__kwdefaults__["cost"] = keyfile.Cost(memory=64, passes=1, lanes=1)


def write_passphrase(file: Path, text: str = "") -> None:
    """Write a passphrase file as a command demands one: only its owner may read it."""
    file.unlink(missing_ok=True)
    os.close(private_files.open_new(file, private_files.PRIVATE))
    file.write_text(text or PASSPHRASE + "\n")


def copy_world(source: Path, target: Path) -> Path:
    """Copy a study's folder. On Windows a copy keeps no access lists, so its passphrase file gets one."""
    copied = Path(shutil.copytree(source, target))
    if os.name == "nt" and (copied / "passphrase").exists():
        write_passphrase(copied / "passphrase", (copied / "passphrase").read_text())
    return copied


HOSPITALS = ("hospital-a", "hospital-b", "hospital-c")
CLASSES = ("normal", "bacteria", "virus")
PATIENT = "Quackenbush"  # in the names of files that nobody may see
PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True)
class Result:
    """What a command did: its exit code and both of its streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def typed(line: list[str]) -> Result:
    """Type a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(line)
    return Result(code, out.getvalue(), err.getvalue())


class World:
    """The folder of a study: one workspace a party."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.passphrase = root / "passphrase"

    def __getitem__(self, party: str) -> Path:
        return self.root / party

    def secret(self) -> str:
        """The passphrase of all workspaces, as a program gives it."""
        return self.passphrase.read_text().strip()

    def type(self, party: str, *words: str | Path, asks: bool = False) -> Result:
        """Type a command in a party's workspace."""
        line = ["-C", str(self[party]), *map(str, words)]
        if asks:
            line += ["--passphrase-file", str(self.passphrase)]
        return typed(line)

    def ok(self, party: str, *words: str | Path, asks: bool = False) -> Any:
        """Type a command with ``--json`` that has to succeed."""
        result = self.type(party, *words, "--json", asks=asks)
        assert result.code == 0, (words, result.out, result.err)
        return result.json

    def refused(self, party: str, *words: str | Path, asks: bool = False) -> str:
        """Type a command with ``--json`` that has to be refused; its reason, whose exit code it must have."""
        result = self.type(party, *words, "--json", asks=asks)
        reason = result.json["error"]["reason"]
        assert result.code == result.json["exit_code"] == reasons()[reason].exit_code, (words, result.err)
        return str(reason)

    def carry(self, file: Path | str, party: str, folder: str = "received") -> Path:
        target = self[party] / folder
        target.mkdir(exist_ok=True)
        proof = Path(file).with_suffix(".proof")
        if Path(file).suffix in (".model", ".summary") and proof.exists():
            shutil.copy(proof, target)
        return Path(shutil.copy(file, target))

    def key_words(self) -> str:
        return (self.root / "key-words").read_text()


def identity_in(folder: Path) -> Identity:
    """The private keys of a workspace, for whoever knows its passphrase."""
    data = Workspace.find(folder).identity_path.read_bytes()
    return Identity.from_secret(keyfile.unlock(data, PASSPHRASE))


def draw_images(folder: Path, seed: int, patients: int = 12) -> Path:
    """Grey PNG images whose class can be seen, and their csv: two images a patient, every fourth held out."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    rows = []
    for patient in range(patients):
        label = patient % 3
        for view in range(2):
            image = rng.normal(90, 12, (64, 64))
            if label == 1:
                image[35:60, 5:28] += 90
            if label == 2:
                image[::6] += 60
            name = f"img-{seed}-{patient:03d}-{view}.png"
            Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / "images" / name)
            split = "val" if patient % 4 == 3 else "train"
            rows.append((name, f"patient-{seed}-{patient}", CLASSES[label], split))
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("image", "patient", "label", "split"))
        writer.writerows(rows)
    return folder / "labels.csv"


def _initialised(world: World) -> None:
    write_passphrase(world.passphrase)
    for party in ("coordinator", *HOSPITALS):
        world[party].mkdir()
    world.ok("coordinator", "init", "--role", "coordinator", "--study", "pneumonia", asks=True)
    (world["coordinator"] / "cards").mkdir()
    for place, party in enumerate(HOSPITALS):
        world.ok(party, "init", "--role", "hospital", "--name", party, asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
        draw_images(world[party] / "source", place)


def _joined(world: World, *terms: str) -> None:
    planned = world.ok("coordinator", "plan", "cards/*.card", *terms, asks=True)
    (world.root / "key-words").write_text(planned["key_words"])
    for party in HOSPITALS:
        plan = world.carry(planned["plan"], party)
        world.ok(party, "join", plan, "--key-words", planned["key_words"])


def _ingested(world: World) -> None:
    for party in HOSPITALS:
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")


def _trained(world: World) -> None:
    for party in HOSPITALS:
        world.ok(party, "train", "--epsilon", "6")


def _exported(world: World) -> None:
    for party in HOSPITALS:
        update = world.ok(party, "export-update", asks=True)["update"]
        world.carry(update, "coordinator", "updates")


def _aggregated(world: World) -> None:
    model = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["model"]
    for party in HOSPITALS:
        world.carry(model, party)


def _counting(world: World, snapshot: Snapshots) -> None:
    """The study begun anew: it describes its patients first, and evaluates its model last."""
    shutil.rmtree(world["coordinator"] / "cards")
    for party in HOSPITALS:
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    _joined(world, "--replace", "--describe-epsilon", "2", "--evaluate-epsilon", "3")


def _delivered(world: World, *words: str) -> None:
    """Every hospital does its part of the open round, and its update lies at the coordinator."""
    for party in HOSPITALS:
        world.ok(party, *words)
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")


def _counted(world: World, snapshot: Snapshots) -> None:
    _delivered(world, "describe", "--contribute")


def _summed(world: World, snapshot: Snapshots) -> None:
    summary = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)["summary"]
    for party in HOSPITALS:
        world.carry(summary, party)


def _evaluating(world: World, snapshot: Snapshots) -> None:
    """The same study with its last plan joined: patients were described, and a model was trained."""

    def go_on(file: str) -> None:
        planned = world.ok("coordinator", "plan", "--continue", asks=True)["plan"]
        for party in HOSPITALS:
            world.ok(party, "accept", world.carry(world["coordinator"] / file, party), asks=True)
            world.ok(party, "accept", world.carry(planned, party), asks=True)

    go_on("round-0002.summary")
    _delivered(world, "train", "--epsilon", "4")
    world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    go_on("models/global-0003.model")


def _untrained(world: World, snapshot: Snapshots) -> None:
    """As "ingested", but with the features that training will want."""
    for party in HOSPITALS:
        shutil.copy(snapshot("trained") / party / "data" / "data.db", world[party] / "data")


def _unaccepted(world: World, snapshot: Snapshots) -> None:
    """As "aggregated", but with the features that hospital-a's evaluation will want."""
    accepted = World(world.root.with_name(world.root.name + "-accepted"))
    copy_world(world.root, accepted.root)
    accepted.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    shutil.copy(accepted["hospital-a"] / "data" / "data.db", world["hospital-a"] / "data")


def _joined_not(world: World, snapshot: Snapshots) -> None:
    """A plan lies at hospital-a, whose key words nobody has compared yet."""
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    (world.root / "key-words").write_text(planned["key_words"])
    world.carry(planned["plan"], "hospital-a")


def _asked(world: World, snapshot: Snapshots) -> None:
    """Encrypted inference: the coordinator has an offer out, and a clinic outside the study has asked."""
    shutil.rmtree(world["hospital-b"])
    shutil.rmtree(world["hospital-c"])
    world.ok("hospital-a", "accept", "received/global-0001.model", asks=True)
    world["clinic"].mkdir()
    world.ok("clinic", "init", "--role", "hospital", "--name", "clinic", asks=True)
    draw_images(world["clinic"] / "source", 7, patients=2)
    images = [f"source/images/{PATIENT}_{number}.png" for number in (0, 1)]
    for number, image in enumerate(images):
        (world["clinic"] / f"source/images/img-7-00{number}-0.png").rename(world["clinic"] / image)
    offered = world.ok("coordinator", "infer", "offer", "--limit", "5", asks=True)
    offer = world.carry(offered["offer"], "clinic")
    words = ("--key-words", offered["key_words"])
    query = world.ok("clinic", "infer", "ask", *images, "--offer", offer, *words, asks=True)
    world.carry(query["query"], "coordinator")
    (world.root / "owner-words").write_text(offered["key_words"])
    (world.root / "clinic-words").write_text(query["key_words"])


def _answered(world: World, snapshot: Snapshots) -> None:
    words = ("--key-words", (world.root / "clinic-words").read_text())
    told = world.ok("coordinator", "infer", "answer", "received/clinic-0001.query", *words, asks=True)
    world.carry(told["answer"], "clinic")


Snapshots = Callable[[str], Path]
"""The folder of a stage, which nobody may change."""

STAGES: dict[str, Callable[[World], None]] = {
    "initialised": _initialised,
    "joined": _joined,
    "ingested": _ingested,
    "trained": _trained,
    "exported": _exported,
    "aggregated": _aggregated,
}

BESIDES: dict[str, tuple[str | None, Callable[[World, Snapshots], None]]] = {
    "joined-not": ("initialised", _joined_not),
    "untrained": ("ingested", _untrained),
    "counting": ("untrained", _counting),
    "counted": ("counting", _counted),
    "summed": ("counted", _summed),
    "evaluating": ("summed", _evaluating),
    "unaccepted": ("aggregated", _unaccepted),
    "asked": ("aggregated", _asked),
    "answered": ("asked", _answered),
}
"""Stages beside the road: the one that each starts from (none: an empty folder), and what is done to it."""

At = Callable[[str], World]
"""A study at each of its stages, played once a session; tests work on copies."""


def snapshots_in(folder: Path) -> Snapshots:
    """Stages as they are asked for, kept in ``folder``, which the processes of one session may share."""
    order = list(STAGES)

    def play(stage: str, world: Path) -> None:
        place = order.index(stage) if stage in STAGES else -1
        before = BESIDES[stage][0] if stage in BESIDES else order[place - 1] if place else None
        if before is None:
            world.mkdir()
        else:
            copy_world(snapshot(before), world)
        if stage in STAGES:
            STAGES[stage](World(world))
        else:
            BESIDES[stage][1](World(world), snapshot)

    def snapshot(stage: str) -> Path:
        made = folder / stage
        if not made.exists():
            with FileLock(folder / f".{stage}.lock"):
                if not made.exists():
                    play(stage, folder / f"{stage}.{os.getpid()}")  # a stage that failed is never found
                    (folder / f"{stage}.{os.getpid()}").rename(made)
        return made

    return snapshot
