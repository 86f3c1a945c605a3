"""Playing a study: four or more workspaces in one folder, and the commands typed in each.

Tested in tests/cli/test_demo.py.
"""

from __future__ import annotations

import contextlib
import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from privxray.demo.party import Party, Run, carry, make_party
from privxray.demo.sites import Site
from privxray.workspace.atomic import write_atomic

Say = Callable[[str], None]
"""Tells the person at the terminal what happens now."""

STUDY = "pneumonia"


@dataclass(frozen=True)
class StudyTerms:
    """What is chosen about a played study.

    :param method: ``linear-probe`` or ``dp-sgd``.
    :param epsilon: per patient, over all rounds.
    :param delta: None for the one that is advised for the sizes of the hospitals.
    """

    method: str
    epsilon: float
    delta: float | None = None

    def typed(self) -> tuple[str, ...]:
        """The options of ``plan``."""
        delta = () if self.delta is None else ("--delta", f"{self.delta:g}")
        return ("--method", self.method, "--epsilon", f"{self.epsilon:g}", *delta)


@dataclass
class Played:
    """A played study: its workspaces, and what each step said and took.

    :ivar hospitals: by the site's name in the csv.
    :ivar seconds: by step.
    :ivar epsilon: what each hospital spent on a patient, by the site's name, at ``delta``.
    :ivar update_bytes: the size of one update.
    :ivar model: the last global model's file at the coordinator.
    """

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

    def add_feature_seconds(self, evaluation: dict[str, Any] | None) -> None:
        """Add the time in which an evaluation computed the features of held-out images."""
        if evaluation:
            self.seconds["features"] += evaluation["seconds"]["features"]

    @contextlib.contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time that the block takes to a step."""
        start = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - start


def play(
    root: Path,
    sites: Sequence[Site],
    terms: StudyTerms,
    *,
    run: Run,
    say: Say,
    after_training: Callable[[Played], None],
) -> Played:
    """Run the whole study in ``root``.

    :param after_training: called once, in the first round, between the last ``train`` and the first export.
        Only then can a hospital's own result be looked at: the export destroys it.
    :raises DemoError: a command of the study failed.
    """
    played = Played(
        make_party(root, "coordinator", run),
        {site.name: make_party(root, site.hospital, run) for site in sites},
    )
    coordinator = played.coordinator
    say("Making the workspaces of a coordinator and of each hospital.")
    coordinator.type("init", "--role", "coordinator", "--study", STUDY, asks=True)
    for site in sites:
        party = played.hospitals[site.name]
        size = ("--patients-up-to", str(site.bracket))
        party.type("init", "--role", "hospital", "--name", party.name, *size, asks=True)
        carry(party.folder / f"{party.name}.card", coordinator.folder / "cards")
    say("Carrying the cards to the coordinator, who signs a plan. Hospitals compare its key words and join.")
    planned = coordinator.type("plan", "cards/*.card", *terms.typed(), asks=True)
    for remark in planned["remarks"]:
        say(f"Every recipient of this plan is told: {remark}.")
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
        _play_round(played, terms.epsilon, say, after_training if stage == 1 else None)
    for site in sites:
        party = played.hospitals[site.name]
        accepted = party.type("accept", carry(played.model, party.folder / "received"), asks=True)
        played.add_feature_seconds(accepted["evaluation"])
        if any(row.split == "test" for row in site.rows):
            played.add_feature_seconds(party.type("evaluate", "--split", "test"))
    return played


def _play_round(
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
            played.add_feature_seconds(accepted["evaluation"])


def _write_labels(path: Path, site: Site) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "patient", "label", "split"))
    for row in site.rows:
        patient = "" if row.patient is None else row.patient.reveal()
        writer.writerow((row.relative, patient, row.label, row.split))
    write_atomic(path, text.getvalue().encode())
