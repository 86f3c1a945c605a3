"""An epsilon is told with its unit, its delta and its adjacency, in words and in JSON."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest
from refusals import refused

import privxray
from privxray.errors import UsageError
from privxray.privacy import accountant
from privxray.privacy.events import Event
from privxray.privacy.guarantee import (
    ADJACENCY,
    REPLACE_ADJACENCY,
    Guarantee,
    Promise,
    promises_something,
    require_delta,
    require_delta_below,
    require_epsilon,
)


def test_in_words() -> None:
    assert str(Guarantee(5.99964, 1e-5)) == (
        "epsilon 6 (per patient, delta 1e-05, add-or-remove-one-patient)"
    )
    assert str(Guarantee(0.51234, 1e-6, REPLACE_ADJACENCY)) == (
        "epsilon 0.5123 (per patient, delta 1e-06, replace-one-patient)"
    )


def test_in_json_it_keeps_every_digit_and_has_no_infinity() -> None:
    assert Guarantee(5.99964, 1e-5).to_json() == {
        "epsilon": 5.99964, "delta": 1e-5, "adjacency": "add-or-remove-one-patient"
    }  # fmt: skip
    assert Guarantee(math.inf, 1e-5).to_json()["epsilon"] is None


@pytest.mark.parametrize("epsilon", [1e-9, 6, 100.0])
def test_an_epsilon_up_to_100_may_be_asked_for(epsilon: float) -> None:
    require_epsilon(epsilon)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, math.nan, math.inf, 100.0001])
def test_another_epsilon_is_refused(epsilon: float) -> None:
    with refused(UsageError, "epsilon.out-of-range"):
        require_epsilon(epsilon)


@pytest.mark.parametrize("delta", [5e-324, 1e-5, 1 - 1e-9])
def test_a_delta_between_0_and_1_is_one(delta: float) -> None:
    require_delta(delta)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-5, math.nan])
def test_another_delta_is_refused(delta: float) -> None:
    with refused(UsageError, "delta.out-of-range"):
        require_delta(delta)
    with refused(UsageError, "delta.out-of-range"):
        require_delta_below(delta, 100)


def test_a_delta_promises_something_below_one_over_the_patients() -> None:
    assert promises_something(1e-3, 999)
    assert not promises_something(0.25, 4)
    assert not promises_something(1e-3, 1001)


def test_a_plan_s_delta_is_neither_too_large_for_its_patients_nor_too_small_to_count() -> None:
    require_delta_below(1e-10, 10**9)
    require_delta_below(0.2499, 4)
    with refused(UsageError, "delta.too-large") as refusal:
        require_delta_below(0.25, 4)
    assert "promises nothing to one of 4 patients" in str(refusal.value)
    with refused(UsageError, "delta.too-small"):
        require_delta_below(0.999e-10, 4)


def test_a_delta_is_at_most_a_tenth_of_one_over_the_patients_of_the_bracket() -> None:
    Promise(1e-4, 1000).require()
    with refused(UsageError, "delta.above-size") as refusal:
        Promise(1.001e-4, 1000).require()
    assert "a hospital of up to 1,000 patients: at most 0.0001 is allowed" in str(refusal.value)
    with refused(UsageError, "delta.out-of-range"):
        Promise(0.0, 1000).require()


def test_the_accountant_says_by_which_adjacency() -> None:
    events = [Event(kind="gaussian", noise=2.0)]
    for replace_one, adjacency in ((False, ADJACENCY), (True, REPLACE_ADJACENCY)):
        found = accountant.guarantee(events, 1e-5, replace_one=replace_one)
        assert found == Guarantee(accountant.epsilon(events, 1e-5, replace_one=replace_one), 1e-5, adjacency)


def test_nobody_else_puts_the_adjacency_into_words() -> None:
    """But the header of a plan, whose field can have this one value."""
    package = Path(privxray.__file__).parent
    spelt = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in (ADJACENCY, REPLACE_ADJACENCY)
    }
    assert spelt == {"privacy/guarantee.py", "exchange/messages/plan.py"}
