"""The first screen of a plan: what an officer decides by, before any constant."""

from __future__ import annotations

import math

import played_keyholders  # noqa: F401 - its stages
import pytest
from played_study import At, Snapshots, typed
from scipy.stats import norm

from privxray.privacy import accountant
from privxray.privacy.events import steps_of
from privxray.privacy.guarantee import Guarantee
from privxray.workflow.common.plan_sections import in_words

ASKED = (
    "who takes part",
    "coordinator",
    "which images",
    "what is learned",
    "what it costs a patient",
    "that is",
    "what leaves a hospital",
    "what masks rest on",
    "new since the last plan",
)


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("more", [[], ["--constants"]])
def test_what_an_officer_decides_by_comes_first_and_constants_on_request(more: list[str], at: At) -> None:
    world = at("initialised")
    planned = world.type("coordinator", "plan", "cards/*.card", *more, asks=True)
    plan = world.carry(world["coordinator"] / "plan-0001.plan", "hospital-a")
    words = next(line for line in planned.out.splitlines() if line.startswith("Key words: "))[11:]
    seen = world.type("hospital-a", "inspect", plan, *more)
    joined = world.type("hospital-a", "join", plan, "--key-words", words, *more)
    for shown in (planned, seen, joined):
        assert shown.code == 0, shown.err
        places = [shown.out.index(f"\n{asked} ") for asked in ASKED]
        assert places == sorted(places)
        text = squeezed(shown.out)
        assert "hospital-a, hospital-b and hospital-c, of up to 1,000 patients each" in text
        assert "X-rays of the classes normal, bacteria and virus" in text
        assert "what masks rest on X25519 alone. Whoever keeps the files until a quantum computer" in text
        assert "wins at most 75 of 100 such bets" in text
        assert "this is the first plan of the study" in text
        assert ("rate_slope" in text) is bool(more)
        assert ("--constants" in text) is not more


def test_keyholders_and_trustees_are_named(snapshots: Snapshots) -> None:
    plan = snapshots("keyholders-trained") / "coordinator" / "plan-0001.plan"
    text = squeezed(typed(["inspect", str(plan)]).out)
    assert "notary and university: no data, and they help to open the sum" in text
    assert "hospital-a, hospital-b, notary and university; 3 of them have to help" in text
    assert "Only the sum of at least 4 hospitals can be read" in text


def test_what_is_new_is_on_the_screen_of_everybody(at: At) -> None:
    world = at("joined")
    for party in ("hospital-a", "hospital-b", "hospital-c"):
        world.ok(party, "card", "--study", "pneumonia", asks=True)
        world.carry(world[party] / f"{party}.card", "coordinator", "cards")
    words = ("plan", "cards/*.card", "--replace", "--epsilon", "2")
    planned = world.type("coordinator", *words, asks=True)
    plan = world.carry(world["coordinator"] / "plan-0002.plan", "hospital-a")
    for shown in (
        planned,
        world.type("hospital-a", "inspect", plan),
        world.type("hospital-a", "accept", plan),
    ):
        assert shown.code == 0, shown.err
        assert "new since the last plan epsilon is 2.0 and was 6.0" in squeezed(shown.out)
    stranger = typed(["-C", str(world.root), "inspect", str(plan)])
    assert "new since the last plan not known here" in squeezed(stranger.out)


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 6.0])
def test_the_bet_is_no_better_than_the_best_test_against_gaussian_noise(epsilon: float) -> None:
    noise = accountant.calibrate(lambda scale: (steps_of(scale, 1.0, 1),), Guarantee(epsilon, 1e-5))
    wins = float(norm.cdf(0.5 / noise))
    said = in_words(Guarantee(epsilon, 1e-5), gaussian=True)
    assert f"wins at most {math.ceil(100 * wins)} of 100 such bets" in said


@pytest.mark.parametrize(
    ("epsilon", "wins"), [(math.log(3), "76"), (1.0, "74"), (6.0, "99.76"), (0.0, None), (math.inf, None)]
)
def test_the_bet_without_gaussian_noise_is_the_bound(epsilon: float, wins: str | None) -> None:
    said = in_words(Guarantee(epsilon, 1e-5), gaussian=False)
    assert (f"at most {wins} of 100" in said) is (wins is not None)
