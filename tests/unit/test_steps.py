"""Steps and notes: who is told, and what their lines are."""

from __future__ import annotations

import re

import pytest

from privxray.cli.told_steps import ToldSteps
from privxray.steps import note, step, watchers


def told_by(act: object) -> list[str]:
    lines: list[str] = []
    token = watchers.set((ToldSteps(lines.append),))
    try:
        act()
    finally:
        watchers.reset(token)
    return lines


def test_a_step_that_ends_says_how_much_was_done_and_how_long_it_took() -> None:
    def act() -> None:
        with step("Counting") as tick:
            tick(1, 1200)
            tick(1200, 1200)

    (line,) = told_by(act)
    assert re.fullmatch(r"Counting: 1,200 in 0\.\d s", line)


def test_a_step_that_had_nothing_to_do_is_not_told() -> None:
    def act() -> None:
        with step("Searching"):
            pass

    assert told_by(act) == []


def test_a_step_that_fails_is_told_as_not_finished() -> None:
    def act() -> None:
        with step("Counting") as tick:
            tick(3, 9)
            raise KeyError

    def failing() -> None:
        with pytest.raises(KeyError):
            act()

    (line,) = told_by(failing)
    assert re.fullmatch(r"Counting: 3 in 0\.\d s; not finished", line)


def test_steps_in_one_another_end_each_with_its_own_count() -> None:
    def act() -> None:
        with step("Outer") as outer, step("Inner") as inner:
            inner(2, 2)
            outer(1, 1)

    inner, outer = told_by(act)
    assert inner.startswith("Inner: 2 in")
    assert outer.startswith("Outer: 1 in")


def test_a_note_is_told_as_it_is() -> None:
    assert told_by(lambda: note("round 2: joined -> trained")) == ["round 2: joined -> trained"]


def test_where_nobody_watches_nothing_happens() -> None:
    assert watchers.get() == ()
    with step("Counting") as tick:
        tick(1, 1)
    note("done")
