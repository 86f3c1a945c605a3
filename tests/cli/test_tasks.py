"""Studies with other tasks than training: what comes when, and what is refused."""

from __future__ import annotations

import pytest
from played_study import At

from privxray.privacy.accountant import guarantee
from privxray.privacy.events import Event
from privxray.workflow.common.study_cost import answer_noise


def test_join_shows_the_schedule_and_what_all_of_it_may_cost(at: At) -> None:
    world = at("counting")
    told = world.ok("hospital-a", "join", "received/plan-0001.plan", "--key-words", world.key_words())
    assert (told["already"], told["task"]) == (True, "describe")
    assert [(one["task"], one["epsilon"]) for one in told["schedule"]] == [
        ("describe", 0.5),
        ("train", 6.0),
        ("evaluate", 1.0),
    ]
    whole = told["whole"]
    assert (whole["delta"], 6.0 < whole["epsilon"] < 7.5) == (1e-5, True)
    shown = world.type("hospital-a", "join", "received/plan-0001.plan", "--key-words", world.key_words())
    whole_study = "describe at epsilon 0.5, then train at epsilon 6, then evaluate at epsilon 1"
    assert whole_study in " ".join(shown.out.split())


def test_another_command_than_the_plans_says_what_to_type(at: At) -> None:
    world = at("counting")
    result = world.type("hospital-a", "train")
    assert (result.code, len(result.err.strip().splitlines())) == (4, 1)
    assert "privxray describe --contribute" in result.err
    assert world.refused("hospital-a", "train") == "round.other-task"


def test_the_noise_of_one_answer_is_that_of_its_epsilon() -> None:
    from privxray.privacy.guarantee import Guarantee

    noise = answer_noise(Guarantee(0.5, 1e-5))
    event = Event(kind="gaussian", noise=noise)
    assert guarantee([event], 1e-5).epsilon == pytest.approx(0.5, rel=1e-4)
