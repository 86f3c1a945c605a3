"""An audit on own patients is paid for once: typed again, it shows what was found; ``--again`` pays anew."""

from __future__ import annotations

import pytest
from chance import seed_noise
from played_study import At, World

ONE_RUN = ("audit", "one-run", "--own", "--canaries", "40")


@pytest.fixture(autouse=True)
def _seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    seed_noise(monkeypatch, 1)  # an audit flags an intact engine about once in 500 runs


def charged(world: World) -> float:
    return float(world.ok("hospital-a", "budget")["charged"]["epsilon"])


def test_what_was_paid_for_is_shown_and_not_paid_again(at: At) -> None:
    world = at("untrained")
    first = world.ok("hospital-a", *ONE_RUN)
    spent = charged(world)
    again = world.ok("hospital-a", *ONE_RUN)
    assert charged(world) == spent > 0
    assert again["already"]
    assert again["report"] == first["report"]
    assert again["lower_bound"] == first["lower_bound"]
    shown = world.type("hospital-a", *ONE_RUN)
    assert shown.code == 0
    assert "nothing was spent" in shown.err
    assert world.ok("hospital-a", *ONE_RUN, "--again")["report"] != first["report"]
    assert charged(world) > spent
    other = world.ok("hospital-a", "audit", "one-run", "--own", "--canaries", "20")
    assert "already" not in other
    assert world.refused("hospital-a", "audit", "one-run", "--again") == "audit.again-without-own"
