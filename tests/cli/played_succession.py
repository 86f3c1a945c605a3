"""A study whose plan names who may vote for another coordinator, and whose hospitals have recovery keys."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from played_study import HOSPITALS, Snapshots, World, copy_world

NAMED = ",".join(HOSPITALS)


def planned_anew(world: World, coordinator: str, *words: str) -> dict[str, Any]:
    """Fresh cards of all hospitals, a plan by them, and all of them joined."""
    (world[coordinator] / "cards").mkdir(exist_ok=True)
    for party in HOSPITALS:
        shutil.copy(world.ok(party, "card", asks=True)["card"], world[coordinator] / "cards")
    planned: dict[str, Any] = world.ok(coordinator, "plan", "cards/*.card", *words, asks=True)
    for party in HOSPITALS:
        file = world.carry(planned["plan"], party)
        world.ok(party, "join", file, "--key-words", planned["key_words"])
    return planned


def play(snapshots: Snapshots, folder: Path) -> Path:
    """The first of two rounds is planned and not trained; features are computed."""
    world = World(copy_world(snapshots("untrained"), folder))
    for party in HOSPITALS:
        world.ok(party, "recovery", "make", world.root / f"{party}.recovery", asks=True)
    planned_anew(world, "coordinator", "--replace", "--rounds", "2", "--successors", NAMED)
    return folder


def exported(world: World, coordinator: str, *words: str) -> None:
    """All hospitals train, and their updates are collected."""
    for party in HOSPITALS:
        world.ok(party, "train", *words)
        world.carry(world.ok(party, "export-update", asks=True)["update"], coordinator, "updates")


def candidate(world: World, name: str = "coordinator-2") -> dict[str, Any]:
    """Somebody who would coordinate the study: a new workspace, and what its ``card`` tells."""
    world[name].mkdir()
    world.ok(name, "init", "--role", "coordinator", "--study", "pneumonia", "--name", name, asks=True)
    (world[name] / "votes").mkdir()
    told: dict[str, Any] = world.ok(name, "card", "--candidacy", asks=True)
    return told


def vote(world: World, party: str, told: dict[str, Any], *words: str) -> Any:
    """A hospital's vote, carried to the candidate."""
    line = (told["card"], "--key-words", told["key_words"], *words)
    return world.ok(party, "vote", *line, "--to", Path(told["card"]).parent / "votes", asks=True)


def newest_plan(world: World, party: str = "hospital-a") -> Path:
    """What a hospital hands over: its copy of the last plan."""
    return max((world[party] / "plans").glob("*.plan"))


def succeeded(world: World, name: str = "coordinator-2", *words: str | Path) -> Path:
    """The file by which this candidate is coordinator."""
    file = world.root / "pneumonia.succession"
    world.ok(name, "succeed", newest_plan(world), file, "--votes", "votes", *words, asks=True)
    return file
