"""Playing a study: four or more workspaces in one folder, and the commands typed in each."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from privxray.demo.sites import Site
from privxray.errors import PrivxrayError
from privxray.workspace.atomic import make_private_folder, write_atomic

Say = Callable[[str], None]
Run = Callable[[list[str]], int]
"""Runs one ``privxray`` command in this process and gives its exit code."""

STUDY = "pneumonia"


class DemoError(PrivxrayError):
    """A command of the demo failed; its own line has been passed on."""

    def __init__(self, what: str, exit_code: int) -> None:
        super().__init__(what)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Party:
    """One workspace, a passphrase file that only the demo would keep beside it, and who runs its commands."""

    name: str
    folder: Path
    passphrase: Path
    run: Run

    def type(self, *words: str | Path, asks: bool = False) -> dict[str, Any]:
        """Type ``privxray -C <folder> WORDS --json`` and return its JSON object.

        :param asks: give the passphrase file, for a command that signs or opens.
        :raises DemoError: it did not end well; the demo ends with the same exit code.
        """
        line = ["-C", str(self.folder), *map(str, words)]
        if asks:
            line += ["--passphrase-file", str(self.passphrase)]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = self.run([*line, "--json"])
        if code:
            shown = err.getvalue().strip().splitlines()
            last = shown[-1] if shown else f"exit code {code}"
            raise DemoError(
                f"`privxray {words[0]}` at {self.name} failed: {last.removeprefix('privxray: ')}", code
            )
        told: dict[str, Any] = json.loads(out.getvalue())
        return told


@dataclass
class Played:
    """What a study left behind: its workspaces, and what each step said and took, in seconds."""

    coordinator: Party
    hospitals: dict[str, Party]
    rounds: int = 0
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("features", "train", "export", "aggregate"), 0.0)
    )
    epsilon: dict[str, float] = field(default_factory=dict)
    delta: float = 0.0
    update_bytes: int = 0
    model: Path = Path()
    key_words: str = ""

    def count_features(self, evaluation: dict[str, Any] | None) -> None:
        """Add what an evaluation took to make the features of held-out images."""
        if evaluation:
            self.seconds["features"] += evaluation["seconds"]["features"]

    @contextlib.contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the block's duration to a step."""
        start = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - start


def play(
    root: Path,
    sites: Sequence[Site],
    *,
    run: Run,
    epsilon: float,
    method: str,
    say: Say,
    after_training: Callable[[Played], None],
) -> Played:
    """Run the whole study in ``root``.

    :param after_training: called once, in the first round, between the last ``train`` and the first export:
        the only moment at which a hospital's own result can still be looked at.
    """
    played = Played(
        make_party(root, "coordinator", run),
        {site.name: make_party(root, site.hospital, run) for site in sites},
    )
    coordinator = played.coordinator
    say("Making the workspaces of a coordinator and of each hospital.")
    coordinator.type("init", "--role", "coordinator", "--study", STUDY, asks=True)
    for party in played.hospitals.values():
        party.type("init", "--role", "hospital", "--name", party.name, asks=True)
        carry(party.folder / f"{party.name}.card", coordinator.folder / "cards")
    say("Carrying the cards to the coordinator, who signs a plan; hospitals compare its key words and join.")
    planned = coordinator.type(
        "plan", "cards/*.card", "--method", method, "--epsilon", f"{epsilon:g}", asks=True
    )
    played.key_words, played.rounds = planned["key_words"], planned["stages"]
    for site in sites:
        party = played.hospitals[site.name]
        plan = carry(Path(planned["plan"]), party.folder)
        party.type("join", plan, "--key-words", planned["key_words"])
        labels = party.folder / "labels.csv"
        _write_labels(labels, site)
        say(f"{party.name}: checking and taking in {len(site.rows)} images.")
        party.type("ingest", site.images, "--labels", labels)
    for stage in range(1, played.rounds + 1):
        _one_round(played, epsilon, say, after_training if stage == 1 else None)
    for site in sites:
        party = played.hospitals[site.name]
        accepted = party.type("accept", carry(played.model, party.folder / "received"))
        played.count_features(accepted["evaluation"])
        if any(row.split == "test" for row in site.rows):
            played.count_features(party.type("evaluate", "--split", "test"))
    return played


def _one_round(
    played: Played, epsilon: float, say: Say, after_training: Callable[[Played], None] | None
) -> None:
    for name, party in played.hospitals.items():
        say(f"{party.name}: privxray train --epsilon {epsilon:g}")
        trained = party.type("train", "--epsilon", f"{epsilon:g}")
        played.seconds["features"] += trained["seconds"]["features"]
        played.seconds["train"] += trained["seconds"]["train"]
        played.epsilon[name], played.delta = trained["epsilon"], trained["delta"]
    if after_training:
        after_training(played)
    with played.timed("export"):
        for party in played.hospitals.values():
            exported = party.type("export-update", asks=True)
            played.update_bytes = exported["bytes"]
            carry(Path(exported["update"]), played.coordinator.folder / "updates")
    say("Carrying the updates to the coordinator: privxray aggregate updates/*.enc")
    with played.timed("aggregate"):
        summed = played.coordinator.type("aggregate", "updates/*.enc", asks=True)
    played.model = Path(summed["model"])
    if summed["plan"]:
        for party in played.hospitals.values():
            accepted = party.type("accept", carry(Path(summed["plan"]), party.folder / "received"))
            played.count_features(accepted["evaluation"])


def make_party(root: Path, name: str, run: Run) -> Party:
    """An empty folder for a party, and its passphrase."""
    folder = root / name
    make_private_folder(folder)
    passphrase = root / "passphrases" / name
    make_private_folder(passphrase.parent)
    write_atomic(passphrase, secrets.token_urlsafe(18).encode())
    return Party(name, folder, passphrase, run)


def carry(file: Path, folder: Path) -> Path:
    """The walk with the stick."""
    make_private_folder(folder)
    return Path(shutil.copy(file, folder / file.name))


def _write_labels(path: Path, site: Site) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "patient", "label", "split"))
    writer.writerows((row.relative, row.patient, row.label, row.split) for row in site.rows)
    write_atomic(path, text.getvalue().encode())
