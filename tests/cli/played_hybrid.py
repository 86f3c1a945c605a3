"""The study of :mod:`played_study` with hybrid masks: agreed on in round 2, trained in rounds 3 and 4.

Its stages stand beside those of :mod:`played_study`, for whoever imports this module.
"""

from __future__ import annotations

from played_study import BESIDES, HOSPITALS, Snapshots, World

ASKS, TRAINS = "received/plan-0002.plan", "received/plan-0003.plan"


def _planned(world: World, snapshot: Snapshots) -> None:
    """The study is begun anew with hybrid masks, in workspaces that have their features already."""
    for party in HOSPITALS:
        world.ok(party, "card", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    terms = ("--masks", "hybrid", "--rounds", "2", "--replace")
    planned = world.ok("coordinator", "plan", "cards/*.card", *terms, asks=True)
    (world.root / "key-words").write_text(planned["key_words"])
    for party in HOSPITALS:
        world.carry(planned["plan"], party)


def _agreed(world: World, snapshot: Snapshots) -> None:
    for party in HOSPITALS:
        joined = world.ok(party, "join", ASKS, "--key-words", world.key_words(), asks=True)
        world.carry(joined["agreement"], "coordinator", "updates")


def _came(world: World, snapshot: Snapshots) -> None:
    """The plan that trains lies at every hospital."""
    plan = world.ok("coordinator", "aggregate", "updates/*.agreement", asks=True)["plan"]
    for party in HOSPITALS:
        world.carry(plan, party)


BESIDES.update(
    {
        "hybrid-planned": ("untrained", _planned),
        "hybrid-agreed": ("hybrid-planned", _agreed),
        "hybrid-came": ("hybrid-agreed", _came),
    }
)
