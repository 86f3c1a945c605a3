"""Events are what was charged, in one spelling and one order, or they are refused."""

from __future__ import annotations

import json
import math

import pytest
from refusals import refused

from privxray.errors import MalformedError
from privxray.privacy.events import Event, from_text, merge, steps_of, to_text


def gaussian(noise: float, count: int = 1) -> Event:
    return Event(kind="gaussian", noise=noise, count=count)


def poisson(noise: float, q: float, count: int) -> Event:
    return Event(kind="poisson-gaussian", noise=noise, count=count, q=q)


@pytest.mark.parametrize(
    "change",
    [
        {"noise": 0.0},
        {"noise": math.nan},
        {"noise": math.inf},
        {"noise": "1"},
        {"q": 0.0},
        {"q": 1.5},
        {"q": math.nan},
        {"count": 0},
        {"count": 1.5},
        {"kind": "laplace"},
        {"kind": "gaussian"},
        {"extra": 1},
        {"count": (1 << 31) + 1},
    ],
)
def test_an_event_out_of_range_is_malformed(change: dict[str, object]) -> None:
    good = {"kind": "poisson-gaussian", "noise": 1.0, "count": 1, "q": 0.5}
    assert from_text(json.dumps([good])) == (poisson(1.0, 0.5, 1),)
    with refused(MalformedError, "ledger.entry-impossible"):
        from_text(json.dumps([{**good, **change}]))


@pytest.mark.parametrize("text", ["", "[", "{}", "null", "1", '"[]"'])
def test_what_is_no_array_of_events_is_malformed(text: str) -> None:
    with refused(MalformedError, "ledger.entry-impossible"):
        from_text(text)


def test_events_survive_json_and_merging() -> None:
    events = merge([poisson(1 / 3, 0.1, 2), poisson(1 / 3, 0.1, 3), gaussian(math.pi)])
    assert from_text(to_text(events)) == events
    assert merge(reversed(events)) == events
    assert sum(event.count for event in events) == 6
    # The spelling is hashed by every ledger that there is.
    assert to_text([gaussian(4.0)]) == '[{"count":1,"kind":"gaussian","noise":4.0,"q":1.0}]'
    assert to_text([]) == "[]"


def test_steps_that_see_everybody_are_gaussian_events() -> None:
    assert steps_of(2.0, 1.0, 3) == gaussian(2.0, 3)
    assert steps_of(2.0, 0.999, 3) == poisson(2.0, 0.999, 3)
