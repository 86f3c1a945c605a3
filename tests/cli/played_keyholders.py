"""A study with keyholders, played through the commands: five hospitals, two trustees, four keyholders of whom
three open the sum.

Its stages stand beside those of :mod:`played_study`, for whoever imports this module.
"""

from __future__ import annotations

import numpy as np
from played_study import BESIDES, Snapshots, World, draw_images, write_passphrase

from privxray.exchange.masking.fixed_point import quantise
from privxray.workflow.common.planned_round import load_plan
from privxray.workflow.hospital.training_results import trained_vector
from privxray.workspace.folder import Workspace
from privxray.workspace.session import looking

HOSPITALS = tuple(f"hospital-{letter}" for letter in "abcde")
TRUSTEES = ("notary", "university")
KEYHOLDERS = ("hospital-a", "hospital-b", *TRUSTEES)


def _begin(world: World, snapshot: Snapshots) -> None:
    """Five hospitals and two trustees; the committee is 4 of threshold 3; every hospital has trained."""
    write_passphrase(world.passphrase)
    for party in ("coordinator", *HOSPITALS, *TRUSTEES):
        world[party].mkdir()
    world.ok("coordinator", "init", "--role", "coordinator", "--study", "pneumonia", asks=True)
    for place, party in enumerate(HOSPITALS):
        world.ok(party, "init", "--role", "hospital", "--name", party, asks=True)
        draw_images(world[party] / "source", place, patients=8)
    for party in TRUSTEES:
        world.ok(party, "init", "--role", "trustee", "--name", party, asks=True)
    for party in (*HOSPITALS, *TRUSTEES):
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    planned = world.ok(
        "coordinator", "plan", "cards/*.card", "--mode", "keyholders", "--rounds", "2",
        "--keyholder", "hospital-a", "--keyholder", "hospital-b", asks=True,
    )  # fmt: skip
    (world.root / "key-words").write_text(planned["key_words"])
    assert planned["terms"]["threshold"] == 3
    assert planned["terms"]["minimum_cohort"] == 4
    for party in (*HOSPITALS, *TRUSTEES):
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
    for party in HOSPITALS:
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")
        world.ok(party, "train", "--epsilon", "6")


def deliver(world: World, *parties: str) -> None:
    for party in parties:
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")


def plain_vectors(world: World, parties: tuple[str, ...]) -> dict[str, np.ndarray]:
    vectors = {}
    for party in parties:
        workspace = Workspace.find(world[party])
        with looking(workspace) as session:
            round_ = session.state.rounds()[-1]
            plan = load_plan(workspace, round_)
            vectors[party] = quantise(trained_vector(session, round_), plan.manifest, plan.modulus_bits)
    return vectors


def answer(world: World, *parties: str) -> None:
    request = world["coordinator"] / "round-0001.request"
    for party in parties:
        share = world.ok(party, "unmask", world.carry(request, party), asks=True)["share"]
        world.carry(share, "coordinator", "shares")


def _export(world: World, snapshot: Snapshots) -> None:
    deliver(world, *HOSPITALS[:4])


def _request(world: World, snapshot: Snapshots) -> None:
    world.ok("coordinator", "aggregate", "updates/*.enc", "--without", "hospital-e", asks=True)
    for party in KEYHOLDERS:
        world.carry(world["coordinator"] / "round-0001.request", party)


def _answer(world: World, snapshot: Snapshots) -> None:
    answer(world, "hospital-a", *TRUSTEES)


BESIDES.update(
    {
        "keyholders-trained": (None, _begin),
        "keyholders-exported": ("keyholders-trained", _export),  # hospital-e is missing
        "keyholders-requested": ("keyholders-exported", _request),
        "keyholders-answered": ("keyholders-requested", _answer),  # hospital-b has not answered
    }
)
