"""An epsilon is told with its unit, its delta and its adjacency, in words and in JSON."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import privxray
from privxray.privacy import accountant
from privxray.privacy.events import Event
from privxray.privacy.guarantee import ADJACENCY, REPLACE_ADJACENCY, Guarantee


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
